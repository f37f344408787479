package io.weightloom.examples.zoo;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** Scores networks on a split's pictures of every task. Not thread-safe. */
final class Examiner {
  private static final int PICTURES = 1000;
  private static final int BATCH = 250;

  private final Map<Task, Dataset> papers = new EnumMap<>(Task.class);

  Examiner(Dataset.Split split) {
    this(split, PICTURES);
  }

  /** With so many pictures of each task, a multiple of {@value #BATCH}. */
  Examiner(Dataset.Split split, int pictures) {
    for (Task task : Task.values()) {
      papers.put(task, Dataset.of(task, split, pictures));
    }
  }

  /** The scores of a network whose parameters lie as {@link Layout} places them. */
  Scores score(float[] weights) {
    Network network = new Network(weights, BATCH);
    Map<Task, Double> accuracy = new EnumMap<>(Task.class);
    papers.forEach((task, paper) -> accuracy.put(task, accuracy(network, paper)));
    return new Scores(accuracy);
  }

  private static double accuracy(Network network, Dataset paper) {
    int[] order = new int[paper.size()];
    Arrays.setAll(order, i -> i);
    int[] labels = new int[BATCH];
    int right = 0;
    for (int first = 0; first < paper.size(); first += BATCH) {
      paper.columns(order, first, BATCH, network.input(), labels);
      float[][] scores = network.forward(paper.task());
      for (int i = 0; i < BATCH; i++) {
        int best = CrossEntropy.best(scores, paper.task().classes(), i);
        right += best == labels[i] ? 1 : 0;
      }
    }
    return (double) right / paper.size();
  }
}
