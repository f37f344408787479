package io.weightloom.examples.zoo;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A model's accuracy on each task.
 *
 * @param byTask 0 … 1, an entry for every task
 */
record Scores(Map<Task, Double> byTask) {

  Scores {
    byTask = new EnumMap<>(byTask);
  }

  double on(Task task) {
    Double accuracy = byTask.get(task);
    if (accuracy == null) {
      throw new IllegalStateException("no score on " + task);
    }
    return accuracy;
  }

  double mean() {
    return Arrays.stream(Task.values()).mapToDouble(this::on).average().orElseThrow();
  }

  /** The mean of the accuracies, each relative to that of the task's own model. */
  double normalisedMean(Scores own) {
    return Arrays.stream(Task.values()).mapToDouble(t -> on(t) / own.on(t)).average().orElseThrow();
  }

  @Override
  public String toString() {
    return Arrays.stream(Task.values())
        .map(t -> String.format(Locale.ROOT, "%s %.1f %%", t.label(), 100 * on(t)))
        .collect(Collectors.joining(", "));
  }
}
