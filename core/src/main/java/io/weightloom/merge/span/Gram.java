package io.weightloom.merge.span;

/**
 * The inner products of a few vectors. A combination of them is an array of coefficients, so that
 * all geometry in their span is arithmetic on such arrays.
 */
public final class Gram {

  /** Of no vectors, for coefficients that need none. */
  static final Gram NONE = new Gram(0, new double[0], 0);

  private final int size;
  private final double[] products;
  private final int at;

  Gram(int size, double[] products, int at) {
    this.size = size;
    this.products = products;
    this.at = at;
  }

  /** The matrix whose upper triangle is given row by row. */
  public static Gram of(int size, double... upper) {
    if (upper.length != products(size)) {
      throw new IllegalArgumentException(upper.length + " products of " + size + " vectors");
    }
    return new Gram(size, upper.clone(), 0);
  }

  /** Different products of so many vectors. */
  static int products(int size) {
    return size * (size + 1) / 2;
  }

  /** Number of vectors. */
  public int size() {
    return size;
  }

  /** {@code ⟨xᵢ, xⱼ⟩}. */
  public double dot(int i, int j) {
    int low = Math.min(i, j);
    int high = Math.max(i, j);
    return products[at + low * size - low * (low - 1) / 2 + high - low];
  }

  /** {@code ‖xᵢ‖}. */
  public double norm(int i) {
    return Math.sqrt(dot(i, i));
  }

  /** {@code ⟨Σ aᵢxᵢ, Σ bⱼxⱼ⟩}. */
  public double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; a[i] != 0 && j < b.length; j++) {
        sum += a[i] * b[j] * dot(i, j);
      }
    }
    return sum;
  }

  /** {@code ‖Σ aᵢxᵢ‖}; rounding below zero counts as zero. */
  public double norm(double[] a) {
    return Math.sqrt(Math.max(0, dot(a, a)));
  }
}
