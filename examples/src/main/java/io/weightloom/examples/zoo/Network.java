package io.weightloom.examples.zoo;

import io.weightloom.examples.zoo.Matrix.View;
import java.util.Arrays;

/**
 * A residual network of pre-normed MLP layers over pictures: {@code h = Eᵀ·x}; per layer {@code h
 * += down · relu(up · rmsnorm(h))}; {@code logits = head · rmsnorm(h)}.
 *
 * <p>All activations hold one picture per <em>column</em>, so that each inner loop runs over the
 * batch. Buffers are reused: not thread-safe.
 */
final class Network {
  private static final int H = Layout.HIDDEN;
  private static final int I = Layout.INTERMEDIATE;
  private static final int L = Layout.LAYERS;

  private final float[] weights;
  private final int n;
  private final float[][] x;
  private final float[][][] stream = new float[L + 1][H][];
  private final Norm[] norms = new Norm[L + 1];
  private final float[][][] active = new float[L][I][];
  private final float[][] logits;
  private final float[][] streamGradient;
  private final float[][] normGradient;
  private final float[][] activeGradient;
  private final float[][] transposed;
  private final float[] row = new float[Math.max(H, I)];

  /**
   * A network for batches of one size.
   *
   * @param weights the parameters as {@link Layout} places them; borrowed, may change between calls
   * @param n pictures in a batch
   */
  Network(float[] weights, int n) {
    this.weights = weights;
    this.n = n;
    this.x = new float[Camera.PIXELS][n];
    for (int l = 0; l <= L; l++) {
      stream[l] = new float[H][n];
      int gain = l < L ? Layout.norm(l) : Layout.FINAL_NORM;
      norms[l] = new Norm(weights, gain, n);
    }
    for (int l = 0; l < L; l++) {
      active[l] = new float[I][n];
    }
    int most = Arrays.stream(Task.values()).mapToInt(Task::classes).max().orElseThrow();
    this.logits = new float[most][n];
    this.streamGradient = new float[H][n];
    this.normGradient = new float[H][n];
    this.activeGradient = new float[I][n];
    this.transposed = new float[n][Math.max(H, I)];
  }

  /** Where the caller puts a batch: value p of picture i at {@code [p][i]}. */
  float[][] input() {
    return x;
  }

  /** Runs the batch through a task's head; score c of picture i is at {@code [c][i]}. */
  float[][] forward(Task task) {
    View embedding = View.rows(weights, Layout.EMBEDDING, H).transposed();
    Matrix.multiply(embedding, x, stream[0], H, Camera.PIXELS, n);
    for (int l = 0; l < L; l++) {
      norms[l].forward(stream[l]);
      View up = View.rows(weights, Layout.up(l), H);
      Matrix.multiply(up, norms[l].output(), active[l], I, H, n);
      rectify(active[l]);
      copy(stream[l], stream[l + 1]);
      View down = View.rows(weights, Layout.down(l), I);
      Matrix.multiplyAdd(down, active[l], stream[l + 1], H, I, n);
    }
    norms[L].forward(stream[L]);
    View head = View.rows(weights, Layout.head(task), H);
    Matrix.multiply(head, norms[L].output(), logits, task.classes(), H, n);
    return logits;
  }

  /**
   * Turns the scores into gradients of the mean cross entropy and runs them back.
   *
   * @param labels the classes of the batch
   * @param gradient receives the gradient by each parameter; only the task's head and the trunk are
   *     written
   */
  void backward(Task task, int[] labels, float[] gradient) {
    int classes = task.classes();
    CrossEntropy.gradient(logits, labels, classes, n);
    View head = View.rows(weights, Layout.head(task), H);
    outer(logits, classes, norms[L].output(), H, gradient, Layout.head(task));
    Matrix.multiply(head.transposed(), logits, normGradient, H, classes, n);
    for (float[] feature : streamGradient) {
      Arrays.fill(feature, 0f);
    }
    norms[L].backward(stream[L], normGradient, streamGradient, gradient);
    for (int l = L - 1; l >= 0; l--) {
      layerBackward(l, gradient);
    }
    outer(x, Camera.PIXELS, streamGradient, H, gradient, Layout.EMBEDDING);
  }

  private void layerBackward(int l, float[] gradient) {
    outer(streamGradient, H, active[l], I, gradient, Layout.down(l));
    View down = View.rows(weights, Layout.down(l), I);
    Matrix.multiply(down.transposed(), streamGradient, activeGradient, I, H, n);
    maskBy(active[l], activeGradient);
    outer(activeGradient, I, norms[l].output(), H, gradient, Layout.up(l));
    View up = View.rows(weights, Layout.up(l), H);
    Matrix.multiply(up.transposed(), activeGradient, normGradient, H, I, n);
    norms[l].backward(stream[l], normGradient, streamGradient, gradient);
  }

  /** {@code out = a·bᵀ} for a and b with a row per feature and a column per picture. */
  private void outer(float[][] a, int rows, float[][] b, int columns, float[] out, int offset) {
    Matrix.transpose(b, columns, n, transposed);
    for (int i = 0; i < rows; i++) {
      Arrays.fill(row, 0f);
      Matrix.multiplyAddRow(View.rows(a[i], 0, n), 0, transposed, row, n, columns);
      System.arraycopy(row, 0, out, offset + i * columns, columns);
    }
  }

  private static void copy(float[][] from, float[][] to) {
    for (int i = 0; i < from.length; i++) {
      System.arraycopy(from[i], 0, to[i], 0, from[i].length);
    }
  }

  private static void rectify(float[][] features) {
    for (float[] a : features) {
      for (int i = 0; i < a.length; i++) {
        a[i] = a[i] > 0f ? a[i] : 0f;
      }
    }
  }

  private static void maskBy(float[][] active, float[][] gradient) {
    for (int f = 0; f < active.length; f++) {
      float[] a = active[f];
      float[] g = gradient[f];
      for (int i = 0; i < a.length; i++) {
        g[i] = a[i] > 0f ? g[i] : 0f;
      }
    }
  }
}
