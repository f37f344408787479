package io.weightloom.examples.zoo;

/** The softmax cross entropy of scores, a row per class and a column per picture. */
final class CrossEntropy {

  private CrossEntropy() {}

  /** Replaces scores by the gradient of their mean cross entropy. */
  static void gradient(float[][] scores, int[] labels, int classes, int n) {
    for (int i = 0; i < n; i++) {
      float top = scores[best(scores, classes, i)][i];
      double sum = 0;
      for (int c = 0; c < classes; c++) {
        double e = StrictMath.exp(scores[c][i] - top);
        scores[c][i] = (float) e;
        sum += e;
      }
      for (int c = 0; c < classes; c++) {
        float target = c == labels[i] ? 1f : 0f;
        scores[c][i] = (float) ((scores[c][i] / sum - target) / n);
      }
    }
  }

  /** The class with the highest score in column i; the first of equals. */
  static int best(float[][] scores, int classes, int i) {
    int best = 0;
    for (int c = 1; c < classes; c++) {
      if (scores[c][i] > scores[best][i]) {
        best = c;
      }
    }
    return best;
  }
}
