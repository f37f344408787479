package io.weightloom.examples.zoo;

import java.util.Locale;

/** Labelled pictures of one task. */
final class Dataset {

  /** Disjoint uses of data: pictures of different splits come from independent streams. */
  enum Split {
    /** Tidy pictures for the base network. */
    PRETRAIN,
    TRAIN,
    VALIDATION,
    TEST
  }

  private static final long SEED = 20_230_601;

  private final Task task;
  private final float[] images;
  private final int[] labels;

  private Dataset(Task task, float[] images, int[] labels) {
    this.task = task;
    this.images = images;
    this.labels = labels;
  }

  /** The first {@code size} pictures of a split; classes take turns. */
  static Dataset of(Task task, Split split, int size) {
    String stream = task.label() + "/" + split.name().toLowerCase(Locale.ROOT);
    Dice dice = new Dice(SEED, stream);
    Camera camera = split == Split.PRETRAIN ? Camera.STUDIO : Camera.of(task);
    float[] images = new float[size * Camera.PIXELS];
    int[] labels = new int[size];
    for (int i = 0; i < size; i++) {
      labels[i] = i % task.classes();
      camera.take(task.figure(labels[i], dice), dice, images, i * Camera.PIXELS);
    }
    return new Dataset(task, images, labels);
  }

  Task task() {
    return task;
  }

  int size() {
    return labels.length;
  }

  /** Copies pictures into columns: value p of the i-th goes to {@code out[p][i]}. */
  void columns(int[] order, int first, int n, float[][] out, int[] outLabels) {
    for (int i = 0; i < n; i++) {
      int picture = order[first + i];
      outLabels[i] = labels[picture];
      for (int p = 0; p < Camera.PIXELS; p++) {
        out[p][i] = images[picture * Camera.PIXELS + p];
      }
    }
  }
}
