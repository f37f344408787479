package io.weightloom.spectrum;

import io.weightloom.spectrum.PowerLaw.Fingers;
import java.io.Serializable;

/**
 * What is computed of each matrix.
 *
 * @param mode whose rules hold
 * @param extent how much is computed
 * @param svd a full singular value decomposition instead of a Gram matrix
 * @param bulk whether the Marchenko–Pastur law is fitted
 * @param detX whether {@link DetX} is computed
 * @param randomize whether the shuffled matrix is looked at too
 * @param fingers how the power law is fitted
 * @param clip how many of the largest eigenvalues the power law is not shown
 * @param threshold eigenvalues up to this share of the largest one are no part of the power law; 0
 *     for N·2⁻⁵², what rounding leaves of a zero. {@link Mode#WEIGHTWATCHER} has its own
 * @param seed of shuffles
 */
public record SpectrumOptions(
    Mode mode,
    Extent extent,
    boolean svd,
    boolean bulk,
    boolean detX,
    boolean randomize,
    Fingers fingers,
    int clip,
    double threshold,
    long seed)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** WeightWatcher's threshold, whatever the scale of the matrix. */
  static final double ABSOLUTE_THRESHOLD = 1e-5;

  /** Whose rules hold. */
  public enum Mode {
    /** Every matrix, thresholds relative to the largest eigenvalue. */
    RELATIVE,
    /** WeightWatcher's thresholds and factors, and only what it would analyse. */
    WEIGHTWATCHER
  }

  /** How much is computed. */
  public enum Extent {
    /** All eigenvalues and what follows from them. */
    SPECTRUM,
    /** The largest eigenvalue, the norm and the stable rank. */
    SPECTRAL_NORM
  }

  /** All columns but those of a shuffled matrix. */
  public static SpectrumOptions of(Mode mode) {
    return new SpectrumOptions(
        mode, Extent.SPECTRUM, false, true, true, false, Fingers.KEPT, 0, 0, 0);
  }

  boolean isWeightWatcher() {
    return mode == Mode.WEIGHTWATCHER;
  }

  boolean isNormOnly() {
    return extent == Extent.SPECTRAL_NORM;
  }

  PowerLaw.Estimator estimator() {
    return isWeightWatcher() ? PowerLaw.Estimator.WEIGHTWATCHER : PowerLaw.Estimator.LIKELIHOOD;
  }

  /** Up to which bound eigenvalues are no part of a power law. */
  double bound(Spectrum spectrum) {
    if (isWeightWatcher()) {
      return ABSOLUTE_THRESHOLD;
    }
    double share = threshold > 0 ? threshold : spectrum.n() * 0x1p-52;
    return share * spectrum.largest();
  }

  /** WeightWatcher weighs the slices of a convolution by √½. */
  double factor(MatrixView view) {
    return isWeightWatcher() && view.isConvolution() ? 0.5 : 1;
  }
}
