package io.weightloom.plot;

/**
 * A line of a picture.
 *
 * @param name as the legend has it
 * @param x from left to right
 * @param y as many; NaN leaves a gap
 */
@SuppressWarnings("ArrayRecordComponent") // Lent out, never compared.
public record Series(String name, double[] x, double[] y) {
  public Series {
    if (x.length != y.length) {
      throw new IllegalArgumentException(name + ": " + x.length + " x, " + y.length + " y");
    }
  }

  /** Of values at 0, 1, 2, … */
  public static Series of(String name, double[] y) {
    double[] x = new double[y.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = i;
    }
    return new Series(name, x, y);
  }
}
