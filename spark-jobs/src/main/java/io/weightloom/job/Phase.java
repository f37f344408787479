package io.weightloom.job;

import io.weightloom.job.MergeRequest.Progress;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A part of a job that is done by tasks.
 *
 * @param group what Spark calls it
 * @param name what is reported of it
 * @param progress told how many bytes are done
 */
record Phase(JavaSparkContext spark, String group, String name, Progress progress) {

  /**
   * Does one Spark task for each of these; without any, Spark hears nothing.
   *
   * @param bytes the size of a task
   * @param work what they do
   * @return what comes of them, in their order
   */
  <T, R> List<R> run(
      List<T> tasks, ToLongFunction<T> bytes, Function<JavaRDD<T>, JavaRDD<R>> work) {
    if (tasks.isEmpty()) {
      return List.of();
    }
    spark.setJobGroup("weightloom", group);
    TaskProgress listener =
        new TaskProgress(name, tasks.stream().mapToLong(bytes).toArray(), progress);
    spark.sc().addSparkListener(listener);
    try {
      List<R> done = work.apply(spark.parallelize(tasks, tasks.size())).collect();
      listener.finish();
      return done;
    } finally {
      if (!spark.sc().isStopped()) {
        spark.sc().removeSparkListener(listener);
        spark.clearJobGroup();
      }
    }
  }
}
