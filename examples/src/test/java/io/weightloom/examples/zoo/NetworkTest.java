package io.weightloom.examples.zoo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class NetworkTest {
  private static final int BATCH = 8;

  @Test
  void gradientsAgreeWithFiniteDifferences() {
    float[] weights = new Trainer(new Trainer.Budget(64, 30, 2e-3, 0, 0)).base();
    Dataset data = Dataset.of(Task.SHAPES, Dataset.Split.TRAIN, BATCH);
    Network network = new Network(weights, BATCH);
    int[] labels = new int[BATCH];
    data.columns(new int[] {0, 1, 2, 3, 4, 5, 6, 7}, 0, BATCH, network.input(), labels);
    float[] gradient = new float[Layout.SIZE];
    network.forward(Task.SHAPES);
    network.backward(Task.SHAPES, labels, gradient);
    for (Layout.Slot slot : Layout.slots()) {
      int at = slot.offset() + steepest(gradient, slot);
      float held = weights[at];
      float step = 1e-2f * Math.max(Math.abs(held), 0.05f);
      weights[at] = held + step;
      double above = loss(network, labels);
      weights[at] = held - step;
      double below = loss(network, labels);
      weights[at] = held;
      double slope = (above - below) / (2 * step);
      assertThat((double) gradient[at])
          .as(slot.spec().name())
          .isCloseTo(slope, within(0.05 * Math.abs(slope) + 1e-3));
    }
  }

  private static int steepest(float[] gradient, Layout.Slot slot) {
    int best = 0;
    for (int i = 0; i < slot.size(); i++) {
      if (Math.abs(gradient[slot.offset() + i]) > Math.abs(gradient[slot.offset() + best])) {
        best = i;
      }
    }
    return best;
  }

  private static double loss(Network network, int[] labels) {
    float[][] scores = network.forward(Task.SHAPES);
    double loss = 0;
    for (int i = 0; i < BATCH; i++) {
      double sum = 0;
      for (int c = 0; c < Task.SHAPES.classes(); c++) {
        sum += StrictMath.exp(scores[c][i]);
      }
      loss += StrictMath.log(sum) - scores[labels[i]][i];
    }
    return loss / BATCH;
  }
}
