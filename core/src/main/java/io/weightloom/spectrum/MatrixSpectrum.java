package io.weightloom.spectrum;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What was found of a matrix. What was not asked for, or does not exist, is null.
 *
 * @param slice which of a tensor's matrices; −1 if the tensor is one
 * @param view its size
 * @param problem why nothing was found; empty if something was
 * @param method {@code gram}, {@code svd} or {@code lanczos}
 * @param norm Σλ
 * @param largest λ_max
 * @param rank numerical: #{σ > tolerance·σ_max}
 * @param loraRank the rank above what storing the result would leave by rounding; −1 if it was not
 *     compared with a base
 */
public record MatrixSpectrum(
    int slice,
    MatrixView view,
    String problem,
    String method,
    double norm,
    double largest,
    int rank,
    int loraRank,
    @Nullable Spectrum spectrum,
    @Nullable Ranks ranks,
    @Nullable PowerLaw powerLaw,
    @Nullable MarchenkoPastur bulk,
    @Nullable Randomized randomized,
    @Nullable DetX detX)
    implements Serializable {
  private static final long serialVersionUID = 1;

  static MatrixSpectrum problem(int slice, MatrixView view, String problem) {
    return new MatrixSpectrum(
        slice, view, problem, "", 0, 0, 0, -1, null, null, null, null, null, null);
  }

  static MatrixSpectrum largest(int slice, MatrixView view, double norm, double largest) {
    return new MatrixSpectrum(
        slice, view, "", "lanczos", norm, largest, 0, -1, null, null, null, null, null, null);
  }

  /** The fits to a spectrum that is not all zeros. */
  static MatrixSpectrum of(
      int slice,
      MatrixView view,
      String method,
      Spectrum spectrum,
      @Nullable Spectrum shuffled,
      double roundingEdge,
      double tolerance,
      SpectrumOptions options) {
    double[] kept = tail(spectrum, options);
    PowerLaw powerLaw = options.fingers().fit(kept, options.estimator()).orElse(null);
    int rank = spectrum.rank(tolerance);
    int loraRank =
        roundingEdge < 0 ? -1 : Math.min(rank, spectrum.above(roundingEdge * roundingEdge).length);
    return new MatrixSpectrum(
        slice,
        view,
        "",
        method,
        spectrum.norm(),
        spectrum.largest(),
        rank,
        loraRank,
        spectrum,
        Ranks.of(spectrum),
        powerLaw,
        options.bulk() ? MarchenkoPastur.fit(spectrum) : null,
        shuffled == null ? null : Randomized.of(spectrum, shuffled),
        options.detX() ? DetX.of(spectrum) : null);
  }

  private static double[] tail(Spectrum spectrum, SpectrumOptions options) {
    double[] kept = spectrum.above(options.bound(spectrum));
    int dropped = Math.min(options.clip(), kept.length);
    return java.util.Arrays.copyOf(kept, kept.length - dropped);
  }

  /** Whether there are numbers. */
  public boolean isFound() {
    return problem.isEmpty();
  }

  /** Σλ / λ_max. */
  public double stableRank() {
    return norm / largest;
  }

  /** How many eigenvalues are part of the power law; null without one. */
  @Nullable Integer tail() {
    return powerLaw == null || spectrum == null ? null : spectrum.atLeast(powerLaw.xmin());
  }

  /** alpha · log₁₀ λ_max; null without a power law. */
  @Nullable Double alphaWeighted() {
    return powerLaw == null ? null : powerLaw.alpha() * Math.log10(largest);
  }

  /** log₁₀ Σ λ^alpha; null without a power law. */
  @Nullable Double logAlphaNorm() {
    return powerLaw == null || spectrum == null ? null : spectrum.logAlphaNorm(powerLaw.alpha());
  }

  /** {@link Spectrum#entropy}. */
  @Nullable Double entropy() {
    return spectrum == null ? null : spectrum.entropy(rank);
  }
}
