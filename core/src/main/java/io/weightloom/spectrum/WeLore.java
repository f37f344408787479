package io.weightloom.spectrum;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Rank reduction by one threshold for all matrices: singular values are brought to 0…1 within each
 * matrix, σ̃ = (σ − σ_min)/(σ_max − σ_min), and those with σ̃ below t go (Jaiswal et al., "From
 * GaLore to WeLore: how low-rank weights non-uniformly emerge from low-rank gradients", 2024).
 */
public final class WeLore {
  private static final double ROUNDING = 1e-12;

  private WeLore() {}

  /** The share of a matrix's singular values that fall below the threshold. */
  public static double reduction(double[] sigmas, double threshold) {
    double[] scaled = scaled(sigmas);
    return (double) Arrays.stream(scaled).filter(v -> v < threshold).count() / scaled.length;
  }

  /**
   * The least threshold at which the mean reduction over the matrices is at least as wanted.
   *
   * @param sigmas of each matrix, in any order; at least one matrix
   * @param wanted the mean of {@link #reduction}, in [0, 1]
   */
  public static double threshold(List<double[]> sigmas, double wanted) {
    record Value(double scaled, double share) {}
    List<Value> values =
        sigmas.stream()
            .flatMap(
                own -> {
                  double share = 1.0 / ((double) own.length * sigmas.size());
                  return Arrays.stream(scaled(own)).mapToObj(v -> new Value(v, share));
                })
            .sorted(Comparator.comparingDouble(Value::scaled))
            .toList();
    double sum = 0;
    double threshold = 0;
    // Sums of shares are off by some ulps.
    double enough = wanted - ROUNDING;
    for (Value value : values) {
      if (sum >= enough) {
        return threshold;
      }
      sum += value.share;
      threshold = Math.nextUp(value.scaled);
    }
    return threshold;
  }

  private static double[] scaled(double[] sigmas) {
    double least = Arrays.stream(sigmas).min().orElse(0);
    double most = Arrays.stream(sigmas).max().orElse(0);
    double range = most > least ? most - least : 1;
    return Arrays.stream(sigmas).map(s -> (s - least) / range).toArray();
  }
}
