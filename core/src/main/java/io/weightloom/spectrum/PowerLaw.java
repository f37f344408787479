package io.weightloom.spectrum;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Optional;

/**
 * A power law p(λ) ∝ λ^−alpha fitted to the tail λ ≥ xmin by maximum likelihood, xmin being the
 * eigenvalue at which the Kolmogorov–Smirnov distance of tail and fit is least (Clauset, Shalizi
 * and Newman, "Power-law distributions in empirical data", SIAM Review 51, 2009, eq. 3.1 and §3.3).
 *
 * @param alpha the exponent
 * @param xmin where the tail begins
 * @param xmax the largest value that took part
 * @param distance the Kolmogorov–Smirnov distance, WeightWatcher's D
 * @param sigma the standard error (alpha − 1)/√tail
 * @param tail how many values took part at or above xmin
 * @param clipped how many of the largest were left out as fingers
 * @param rawAlpha alpha with all of them
 */
public record PowerLaw(
    double alpha,
    double xmin,
    double xmax,
    double distance,
    double sigma,
    int tail,
    int clipped,
    double rawAlpha)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** How much alpha must fall for clipped values to have been fingers. */
  public static final double FINGER_THRESHOLD = 1;

  private static final double LEAST_ALPHA = 2;
  private static final int MOST_CLIPPED = 9;
  private static final double BELOW_PEAK = 0.95;
  private static final double ABOVE_PEAK = 1.5;
  private static final int BINS = 100;

  /** What WeightWatcher says of an exponent. */
  public String warning() {
    if (alpha < 2) {
      return "over-trained";
    }
    return alpha > 6 ? "under-trained" : "";
  }

  /** What is done about fingers, a few large eigenvalues that spoil a fit. */
  public enum Fingers {
    KEPT,
    /** {@link #fitWithoutFingers}. */
    CLIPPED,
    /** {@link #fitFromPeak}. */
    FROM_PEAK;

    Optional<PowerLaw> fit(double[] ascending, Estimator estimator) {
      return switch (this) {
        case KEPT -> PowerLaw.fit(ascending, estimator);
        case CLIPPED -> fitWithoutFingers(ascending, estimator);
        case FROM_PEAK -> fitFromPeak(ascending, estimator);
      };
    }
  }

  /** How small samples are fitted. */
  public enum Estimator {
    /** The maximum of the likelihood, 1 + n/Σ ln(x/xmin), whatever n is. */
    LIKELIHOOD(0, 1, 0),
    /**
     * WeightWatcher's from version 0.7.7 on: below 20 values without the likelihood's bias, 1 + (n
     * − 1)/Σ ln(x/xmin), and with tails of at least 8.
     */
    WEIGHTWATCHER(20, 8, 1);

    private final int small;
    private final int leastTail;
    private final int correction;

    Estimator(int small, int leastTail, int correction) {
      this.small = small;
      this.leastTail = leastTail;
      this.correction = correction;
    }

    private int leastTail(int count) {
      return count < small ? Math.min(leastTail, count) : 2;
    }

    private int correction(int count) {
      return count < small ? correction : 0;
    }
  }

  /** The fit by likelihood. */
  public static Optional<PowerLaw> fit(double[] ascending) {
    return fit(ascending, Estimator.LIKELIHOOD);
  }

  /**
   * The fit.
   *
   * @param ascending positive values in ascending order
   * @return empty where there are fewer than two values, or none but equal ones
   */
  public static Optional<PowerLaw> fit(double[] ascending, Estimator estimator) {
    return fit(ascending, estimator, 0, Double.POSITIVE_INFINITY);
  }

  /** The fit among those tails that begin from {@code low} to {@code high}. */
  private static Optional<PowerLaw> fit(
      double[] ascending, Estimator estimator, double low, double high) {
    int count = ascending.length;
    int correction = estimator.correction(count);
    double[] logs = Arrays.stream(ascending).map(Math::log).toArray();
    Tail best = null;
    double[] sums = new double[count];
    for (int i = count - 1; i >= 0; i--) {
      sums[i] = logs[i] + (i + 1 < count ? sums[i + 1] : 0);
    }
    int likely = 0;
    for (int i = 0; i < count - 1 && count - i >= estimator.leastTail(count); i++) {
      if (ascending[i] < low || ascending[i] > high) {
        continue;
      }
      double enough = best == null ? 2 : best.distance;
      Tail tail = Tail.from(logs, i, correction, sums[i], enough, likely);
      if (tail.worst >= 0) {
        likely = tail.worst;
      }
      if (tail.isKnown() && (best == null || tail.distance < best.distance)) {
        best = tail;
      }
    }
    if (best == null) {
      return Optional.empty();
    }
    int tail = count - best.first;
    double sigma = (best.alpha - 1) / Math.sqrt(tail);
    return Optional.of(
        new PowerLaw(
            best.alpha,
            ascending[best.first],
            ascending[count - 1],
            best.distance,
            sigma,
            tail,
            0,
            best.alpha));
  }

  /**
   * The fit without fingers: leaves out the k = 2, 3, … 9 largest values until alpha falls by more
   * than {@value #FINGER_THRESHOLD}, and keeps all of them if it does not, or once alpha is at most
   * 2. WeightWatcher's {@code clip_xmax}, whose number of fingers is k − 1.
   */
  public static Optional<PowerLaw> fitWithoutFingers(double[] ascending, Estimator estimator) {
    Optional<PowerLaw> whole = fit(ascending, estimator);
    if (whole.isEmpty()) {
      return whole;
    }
    double raw = whole.get().alpha;
    for (int k = 2; k <= MOST_CLIPPED && k < ascending.length; k++) {
      Optional<PowerLaw> clipped = fit(Arrays.copyOf(ascending, ascending.length - k), estimator);
      if (clipped.isEmpty()) {
        return whole;
      }
      if (clipped.get().alpha + FINGER_THRESHOLD < raw) {
        return Optional.of(clipped.get().withClipped(k - 1, raw));
      }
      if (clipped.get().alpha <= LEAST_ALPHA) {
        return whole;
      }
    }
    return whole;
  }

  /**
   * The fit whose tail begins near the peak of the density of log₁₀ λ, from {@value #BELOW_PEAK} to
   * {@value #ABOVE_PEAK} of it: {@code xmin_peak} as WeightWatcher means it. Its code, and so
   * {@link Estimator#WEIGHTWATCHER}, takes log₁₀ of the lower bound for the bound, which hardly is
   * one.
   */
  public static Optional<PowerLaw> fitFromPeak(double[] ascending, Estimator estimator) {
    if (ascending.length < 2) {
      return Optional.empty();
    }
    double peak = peak(ascending);
    double low = BELOW_PEAK * peak;
    return fit(
        ascending,
        estimator,
        estimator == Estimator.WEIGHTWATCHER ? Math.log10(low) : low,
        ABOVE_PEAK * peak);
  }

  /** Where the fullest of {@value #BINS} equal bins of log₁₀ λ begins; the first of several. */
  private static double peak(double[] ascending) {
    double low = Math.log10(ascending[0]);
    double step = (Math.log10(ascending[ascending.length - 1]) - low) / BINS;
    int[] counts = new int[BINS];
    int fullest = 0;
    for (double v : ascending) {
      int bin = step > 0 ? (int) Math.min(BINS - 1, (Math.log10(v) - low) / step) : 0;
      counts[bin]++;
    }
    for (int b = 1; b < BINS; b++) {
      fullest = counts[b] > counts[fullest] ? b : fullest;
    }
    return Math.pow(10, low + fullest * step);
  }

  private PowerLaw withClipped(int count, double raw) {
    return new PowerLaw(alpha, xmin, xmax, distance, sigma, tail, count, raw);
  }

  /**
   * The fit of the tail from a value on.
   *
   * @param worst where the distance is attained, as an index into all values; −1 if not looked for
   */
  private record Tail(int first, double alpha, double distance, int worst) {

    boolean isKnown() {
      return worst >= 0;
    }

    /**
     * Gives up as soon as the distance reaches {@code enough}: an earlier tail was as good.
     *
     * @param correction of n against the bias of a small sample
     * @param sum of the logarithms from {@code first} on
     * @param likely where the distance was attained in the last tail, looked at first
     */
    static Tail from(
        double[] logs, int first, int correction, double sum, double enough, int likely) {
      int n = logs.length - first;
      double low = logs[first];
      double excess = sum - n * low;
      double alpha = 1 + (n - correction) / excess;
      if (!(excess > 0) || !(alpha > 1) || Double.isInfinite(alpha)) {
        return new Tail(first, alpha, 1, -1);
      }
      double most = -1;
      int worst = first;
      int start = Math.max(first, likely);
      for (int step = 0; step < n; step++) {
        int at = start + step < logs.length ? start + step : start + step - n;
        double fitted = 1 - Math.exp((1 - alpha) * (logs[at] - low));
        double off = Math.abs(fitted - (double) (at - first) / n);
        if (off > most) {
          most = off;
          worst = at;
          if (most >= enough) {
            return new Tail(first, alpha, most, worst);
          }
        }
      }
      return new Tail(first, alpha, most, worst);
    }
  }
}
