package io.weightloom.spectrum;

import java.io.Serializable;
import java.util.Arrays;

/**
 * The Marchenko–Pastur law fitted to the bulk of a spectrum, its variance σ² being the one
 * parameter; what lies beyond its edge are spikes. Eigenvalues are first scaled to a mean of 1; the
 * law is fitted to a kernel density of them by least squares, for a square matrix a quarter circle
 * to that of the singular values.
 *
 * @param sigma of the scaled law
 * @param scale the factor √(count/Σλ) of the matrix
 * @param lower the bulk's lower edge, not scaled
 * @param upper the bulk's upper edge λ₊ = σ²(1 + 1/√Q)², not scaled
 * @param spikes eigenvalues above λ₊ by more than the Tracy–Widom width
 * @param softRank λ₊/λ_max; above 1 where the law overshoots
 */
public record MarchenkoPastur(
    double sigma, double scale, double lower, double upper, int spikes, double softRank)
    implements Serializable {
  private static final long serialVersionUID = 1;

  private static final double BANDWIDTH = 0.1;
  private static final int POINTS = 1000;
  private static final double MARGIN = 0.5;
  private static final double LEAST_DENSITY = 0.01;
  private static final double REFUSED = 1000;

  /** The fit to a spectrum that is not all zeros. */
  public static MarchenkoPastur fit(Spectrum spectrum) {
    double q = spectrum.q();
    double scale = Math.sqrt(spectrum.count()) / Math.sqrt(spectrum.norm());
    double[] scaled = Arrays.stream(spectrum.values()).map(v -> scale * scale * v).toArray();
    double largest = scaled[scaled.length - 1];
    double[] fitted = q == 1 ? Arrays.stream(scaled).map(Math::sqrt).toArray() : scaled;
    double sigma0 = Math.sqrt(largest) / (1 + 1 / Math.sqrt(q));
    Bulk bulk = Bulk.of(fitted);
    double sigma =
        LineSearch.minimum(s -> bulk.residual(s, q), 0.05 * sigma0, 2 * sigma0, 0.01 * sigma0);
    double upper = square(sigma * (1 + 1 / Math.sqrt(q)));
    double lower = square(sigma * (1 - 1 / Math.sqrt(q)));
    double width = Math.pow(upper, 2.0 / 3) * Math.pow(spectrum.m(), -2.0 / 3) / Math.sqrt(q);
    double edge = upper + Math.sqrt(width);
    int spikes = (int) Arrays.stream(scaled).filter(v -> v > edge).count();
    double back = scale * scale;
    return new MarchenkoPastur(sigma, scale, lower / back, upper / back, spikes, upper / largest);
  }

  private static double square(double x) {
    return x * x;
  }

  /** The density of scaled eigenvalues at a place. */
  static double density(double x, double q, double sigma) {
    double upper = square(sigma * (1 + Math.sqrt(1 / q)));
    double lower = square(sigma * (1 - Math.sqrt(1 / q)));
    double under = (upper - x) * (x - lower);
    return under > 0 && x > 0 ? q * Math.sqrt(under) / (2 * Math.PI * sigma * sigma * x) : 0;
  }

  /** As WeightWatcher has it: of radius 2 whatever σ is, which then only scales the height. */
  static double quarterCircle(double x, double sigma) {
    double under = 4 - x * x;
    return under > 0 ? Math.sqrt(under) / (Math.PI * sigma * sigma) : 0;
  }

  /**
   * The estimated density where it is not about zero.
   *
   * @param mode the place of its first maximum
   * @param last the last place
   */
  private record Bulk(double[] x, double[] density, double mode, double last) {

    static Bulk of(double[] ascending) {
      LinearKernelDensity kernel = new LinearKernelDensity(ascending, BANDWIDTH);
      double end = ascending[ascending.length - 1] + MARGIN;
      double[] x = new double[POINTS];
      double[] y = new double[POINTS];
      int kept = 0;
      double mode = 0;
      double most = 0;
      for (int i = 0; i < POINTS; i++) {
        double at = i == POINTS - 1 ? end : i * (end / (POINTS - 1));
        double density = kernel.at(at);
        if (density > LEAST_DENSITY) {
          x[kept] = at;
          y[kept++] = density;
          if (density > most) {
            most = density;
            mode = at;
          }
        }
      }
      double last = kept == 0 ? 0 : x[kept - 1];
      return new Bulk(Arrays.copyOf(x, kept), Arrays.copyOf(y, kept), mode, last);
    }

    double residual(double sigma, double q) {
      double upper = square(sigma * (1 + Math.sqrt(1 / q)));
      double lower = square(sigma * (1 - Math.sqrt(1 / q)));
      if (q != 1 && (upper < mode || upper > last || lower > mode)) {
        return REFUSED * REFUSED * x.length;
      }
      double sum = 0;
      for (int i = 0; i < x.length; i++) {
        double law = q == 1 ? quarterCircle(x[i], sigma) : MarchenkoPastur.density(x[i], q, sigma);
        sum += square(law - density[i]);
      }
      return sum;
    }
  }
}
