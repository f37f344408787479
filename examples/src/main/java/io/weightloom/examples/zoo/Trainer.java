package io.weightloom.examples.zoo;

import io.weightloom.kernel.Half;
import java.util.Arrays;
import java.util.List;

/**
 * Trains the base network on tidy pictures of all tasks, and fine-tunes its trunk on the task's own
 * pictures. Each sum is taken in a fixed order on one thread, so the same budget gives the same
 * bits on every machine.
 */
final class Trainer {
  private static final long SEED = 17;
  static final int BATCH = 32;

  /**
   * How much training is spent.
   *
   * @param pictures training pictures per task, tidy ones for the base and as many of the task's
   *     own
   * @param baseSteps optimiser steps of the base network, the tasks taking turns
   * @param baseRate highest learning rate of the base network
   * @param tuneSteps optimiser steps of each fine-tuning
   * @param tuneRate highest learning rate of a fine-tuning
   */
  record Budget(int pictures, int baseSteps, double baseRate, int tuneSteps, double tuneRate) {
    static final Budget FULL = new Budget(6000, 1300, 2e-3, 450, 3e-2);
  }

  private final Budget budget;

  Trainer(Budget budget) {
    this.budget = budget;
  }

  /** Trains trunk and heads from random weights; the result holds BF16 values. */
  float[] base() {
    float[] weights = randomWeights();
    Adam adam = new Adam(weights, Layout.SIZE);
    Network network = new Network(weights, BATCH);
    Task[] tasks = Task.values();
    List<Batches> batches =
        Arrays.stream(tasks).map(t -> batches(t, Dataset.Split.PRETRAIN)).toList();
    for (int step = 0; step < budget.baseSteps(); step++) {
      // A fresh array, so that the heads of the other tasks see a gradient of 0.
      float[] gradient = new float[Layout.SIZE];
      Task task = tasks[step % tasks.length];
      int[] labels = batches.get(step % tasks.length).next(network.input());
      network.forward(task);
      network.backward(task, labels, gradient);
      adam.step(gradient, rate(budget.baseRate(), step, budget.baseSteps()));
    }
    return stored(weights);
  }

  /** Trains a copy of the trunk on one task; the result holds BF16 values. */
  float[] tune(float[] base, Task task) {
    float[] weights = base.clone();
    Momentum momentum = new Momentum(weights, Layout.TRUNK);
    Network network = new Network(weights, BATCH);
    Batches batches = batches(task, Dataset.Split.TRAIN);
    float[] gradient = new float[Layout.SIZE];
    for (int step = 0; step < budget.tuneSteps(); step++) {
      int[] labels = batches.next(network.input());
      network.forward(task);
      network.backward(task, labels, gradient);
      momentum.step(gradient, rate(budget.tuneRate(), step, budget.tuneSteps()));
    }
    return stored(weights);
  }

  private Batches batches(Task task, Dataset.Split split) {
    Dataset data = Dataset.of(task, split, budget.pictures());
    return new Batches(data, new Dice(SEED, "order of " + split + " " + task));
  }

  private static double rate(double highest, int step, int steps) {
    double warm = Math.min(1, (step + 1) / 20.0);
    double cosine = 0.5 + 0.5 * StrictMath.cos(Math.PI * step / steps);
    return highest * warm * (0.05 + 0.95 * cosine);
  }

  private static float[] randomWeights() {
    float[] weights = new float[Layout.SIZE];
    for (Layout.Slot slot : Layout.slots()) {
      Dice dice = new Dice(SEED, slot.spec().name());
      double deviation = deviation(slot);
      for (int i = 0; i < slot.size(); i++) {
        weights[slot.offset() + i] = slot.isNorm() ? 1f : (float) (deviation * dice.normal());
      }
    }
    return weights;
  }

  /** The standard deviation that keeps the size of what flows through a matrix. */
  private static double deviation(Layout.Slot slot) {
    String name = slot.spec().name();
    if (name.contains("up_proj")) {
      return Math.sqrt(2.0 / Layout.HIDDEN);
    }
    if (name.contains("down_proj")) {
      return Math.sqrt(1.0 / Layout.INTERMEDIATE / Layout.LAYERS);
    }
    return name.contains("embed") ? Math.sqrt(4.0 / Camera.PIXELS) : Math.sqrt(1.0 / Layout.HIDDEN);
  }

  static float[] stored(float[] weights) {
    float[] rounded = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      rounded[i] = Half.bf16ToFloat(Half.floatToBf16(weights[i]));
    }
    return rounded;
  }

  /** Batches of a data set, reshuffled at each pass. */
  private static final class Batches {
    private final Dataset data;
    private final Dice dice;
    private final int[] order;
    private final int[] labels = new int[BATCH];
    private int position;

    Batches(Dataset data, Dice dice) {
      this.data = data;
      this.dice = dice;
      this.order = new int[data.size()];
      for (int i = 0; i < order.length; i++) {
        order[i] = i;
      }
      this.position = order.length;
    }

    int[] next(float[][] input) {
      if (position + BATCH > order.length) {
        dice.shuffle(order);
        position = 0;
      }
      data.columns(order, position, BATCH, input, labels);
      position += BATCH;
      return labels;
    }
  }
}
