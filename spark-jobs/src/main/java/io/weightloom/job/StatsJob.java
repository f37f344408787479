package io.weightloom.job;

import io.weightloom.analysis.Scan;
import io.weightloom.io.TensorLocation;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.stats.ColumnScan;
import io.weightloom.stats.PartReport;
import io.weightloom.stats.PartScan;
import io.weightloom.stats.PartStats;
import io.weightloom.stats.Reading;
import io.weightloom.stats.RefiningScan;
import io.weightloom.stats.TensorReport;
import io.weightloom.stats.TensorScan;
import io.weightloom.stats.TensorSketch;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkContext;

/** Statistics of a model's tensors. F32 and F64 are read again for what one read leaves open. */
public final class StatsJob {
  private final SparkContext spark;
  private final Progress progress;

  public StatsJob(SparkContext spark, Progress progress) {
    this.spark = spark;
    this.progress = progress;
  }

  /**
   * A report of each tensor, in the order given; of one without floating-point values only why.
   *
   * @param model what reports call the model
   * @param once whether F32 and F64 are read once, too, and their quantiles are the least
   *     magnitudes of bins 0.8 % wide
   */
  public List<TensorReport> tensors(
      String model, Collection<TensorLocation> tensors, boolean once) {
    Map<String, Reading> readings = new HashMap<>();
    List<TensorLocation> next =
        tensors.stream().filter(t -> TensorSketch.knows(t.spec().dtype())).toList();
    for (String phase = "statistics"; !next.isEmpty(); phase = "refining") {
      Scan<?, Reading> scan =
          readings.isEmpty() ? new TensorScan() : new RefiningScan(pending(readings));
      List<TensorLocation> pending = new ArrayList<>();
      List<Reading> found = run(phase, next, scan);
      for (int i = 0; i < found.size(); i++) {
        readings.put(next.get(i).spec().name(), found.get(i));
        if (found.get(i).isPending() && !once) {
          pending.add(next.get(i));
        }
      }
      next = pending;
    }
    List<TensorReport> reports = new ArrayList<>();
    for (TensorLocation tensor : tensors) {
      Reading reading = readings.get(tensor.spec().name());
      reports.add(
          reading == null
              ? TensorReport.skipped(model, tensor.spec())
              : TensorReport.of(model, reading.stats()));
    }
    return reports;
  }

  private static Map<String, Reading> pending(Map<String, Reading> readings) {
    Map<String, Reading> pending = new LinkedHashMap<>(readings);
    pending.values().removeIf(reading -> !reading.isPending());
    return pending;
  }

  /** What a tensor is cut into. */
  public enum Part {
    ROW,
    COLUMN,
    BLOCK
  }

  /**
   * A report of each part of each tensor of BF16, F16, F32 or F64; columns of matrices alone.
   *
   * @param blockElements of a block, unless a row has more
   */
  public List<PartReport> parts(
      String model, Collection<TensorLocation> tensors, Part part, int blockElements) {
    Scan<?, PartStats.Parts> scan =
        switch (part) {
          case ROW -> PartScan.rows();
          case COLUMN -> new ColumnScan();
          case BLOCK -> PartScan.blocks(blockElements);
        };
    List<TensorLocation> seen =
        tensors.stream()
            .filter(t -> t.spec().dtype().isComputed())
            .filter(t -> part == Part.BLOCK || t.spec().shape().rank() >= 2)
            .toList();
    List<PartStats.Parts> found = run("statistics", seen, scan);
    List<PartReport> reports = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      TensorSpec tensor = seen.get(i).spec();
      found.get(i).each().forEach(stats -> reports.add(new PartReport(model, tensor, stats)));
    }
    return reports;
  }

  private <R extends Serializable> List<R> run(
      String phase, List<TensorLocation> tensors, Scan<?, R> scan) {
    return ScanJob.run(spark, phase, tensors.stream().map(List::of).toList(), scan, progress);
  }
}
