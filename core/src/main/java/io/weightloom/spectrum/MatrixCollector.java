package io.weightloom.spectrum;

import io.weightloom.kernel.CounterRandom;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.Matrix;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Gathers one matrix, element after element, and finds its spectrum. A tall matrix goes straight
 * into its Gram matrix; what is wide, has taps or is looked at twice is held.
 */
final class MatrixCollector {
  private static final double ULP = 0x1p-52;
  private static final double NORM_TOLERANCE = 1e-7;

  private final MatrixView view;
  private final int slice;
  private final String tensor;
  private final SpectrumOptions options;
  private final Eigenvalues eigenvalues;
  private final @Nullable HeldValues held;
  private final Eigenvalues.@Nullable TallGram gram;
  private double norm;
  private long seen;
  private String problem = "";

  MatrixCollector(
      MatrixView view, int slice, String tensor, SpectrumOptions options, DenseLinAlg linAlg) {
    this.view = view;
    this.slice = slice;
    this.tensor = tensor;
    this.options = options;
    this.eigenvalues = new Eigenvalues(linAlg);
    boolean holds = holds(view, options);
    this.held = holds ? new HeldValues(view) : null;
    this.gram = holds ? null : new Eigenvalues.TallGram(linAlg, view.rows(), view.columns());
  }

  private static boolean holds(MatrixView view, SpectrumOptions options) {
    return view.rows() < view.columns()
        || view.taps() > 1
        || options.svd()
        || options.randomize()
        || options.isNormOnly()
        || options.isWeightWatcher();
  }

  /** What {@link #finish} and all before it take at most, with the copies of the linear algebra. */
  static long workBytes(MatrixView view, SpectrumOptions options, int heldBytes) {
    long slice = (long) view.rows() * view.columns() * Double.BYTES;
    long side = (long) view.smaller() * view.smaller() * Double.BYTES;
    long kept = holds(view, options) ? view.elements() * heldBytes : 0;
    if (options.isNormOnly()) {
      return kept + 100L * view.columns() * Double.BYTES;
    }
    boolean whole =
        options.svd() || options.randomize() || options.isWeightWatcher() || view.taps() > 1;
    return kept + 3 * side + (whole ? 2 * slice : 0);
  }

  /** Takes the next values in; the array may be overwritten. */
  void append(double[] values, int n) {
    if (!problem.isEmpty()) {
      return;
    }
    for (int i = 0; i < n; i++) {
      if (!Double.isFinite(values[i])) {
        problem = "holds %s at element %d".formatted(values[i], seen + i);
        return;
      }
      norm += values[i] * values[i];
    }
    seen += n;
    if (held != null) {
      held.append(values, n);
    } else if (gram != null) {
      gram.append(values, n);
    }
  }

  /**
   * The spectrum of all that came.
   *
   * @param roundingEdge up to which σ rounding explains a difference; negative if it is none
   */
  MatrixSpectrum finish(double roundingEdge) {
    if (!problem.isEmpty()) {
      return MatrixSpectrum.problem(slice, view, problem);
    } else if (norm == 0) {
      return MatrixSpectrum.problem(
          slice, view, roundingEdge < 0 ? "all elements are 0" : "equal to the base");
    }
    if (held == null) {
      return found(spectrum(eigenvalues.of(java.util.Objects.requireNonNull(gram))), roundingEdge);
    }
    held.close();
    if (options.isNormOnly()) {
      return largest(held);
    }
    return options.svd() ? bySvd(held, roundingEdge) : byGram(held, roundingEdge);
  }

  private MatrixSpectrum largest(HeldValues values) {
    double most = 0;
    for (int tap = 0; tap < view.taps(); tap++) {
      most = Math.max(most, eigenvalues.largest(values, view, tap, NORM_TOLERANCE));
    }
    double factor = options.factor(view);
    return MatrixSpectrum.largest(slice, view, factor * norm, factor * most);
  }

  private MatrixSpectrum byGram(HeldValues values, double roundingEdge) {
    Spectrum spectrum =
        view.taps() == 1
            ? spectrum(eigenvalues.ofHeld(values, view))
            : slices(values, eigenvalues::ofSlice, gramTolerance());
    // A Gram matrix squares the condition: what it knows not, WeightWatcher's SVD does.
    boolean isLost =
        spectrum.values()[0] <= 4 * Math.sqrt(view.larger()) * ULP * spectrum.largest();
    return options.isWeightWatcher() && isLost
        ? bySvd(values, roundingEdge)
        : found(spectrum, "gram", rankTolerance(), values, roundingEdge);
  }

  private MatrixSpectrum bySvd(HeldValues values, double roundingEdge) {
    double tolerance = view.larger() * ULP;
    Spectrum spectrum = slices(values, eigenvalues::bySingularValues, tolerance);
    return found(spectrum, "svd", tolerance, values, roundingEdge);
  }

  private Spectrum spectrum(double[] own) {
    return Spectrum.pooled(
        view.larger(), view.smaller(), new double[][] {own}, options.factor(view), rankTolerance());
  }

  private Spectrum slices(HeldValues values, Function<Matrix, double[]> solve, double tolerance) {
    double[][] all = new double[view.taps()][];
    for (int tap = 0; tap < all.length; tap++) {
      all[tap] = solve.apply(values.slice(tap));
    }
    return Spectrum.pooled(view.larger(), view.smaller(), all, options.factor(view), tolerance);
  }

  /** Eigenvalues of a Gram matrix are N·2⁻⁵² of the largest off, so that σ are the root of that. */
  private double gramTolerance() {
    return Math.sqrt(view.larger() * ULP);
  }

  private double rankTolerance() {
    return options.isWeightWatcher() ? view.larger() * ULP : gramTolerance();
  }

  private MatrixSpectrum found(Spectrum spectrum, double roundingEdge) {
    return MatrixSpectrum.of(
        slice, view, "gram", spectrum, null, roundingEdge, rankTolerance(), options);
  }

  private MatrixSpectrum found(
      Spectrum spectrum, String method, double tolerance, HeldValues values, double roundingEdge) {
    Spectrum shuffled = options.randomize() ? shuffled(values) : null;
    return MatrixSpectrum.of(
        slice, view, method, spectrum, shuffled, roundingEdge, tolerance, options);
  }

  private Spectrum shuffled(HeldValues values) {
    double[][] all = new double[view.taps()][];
    for (int tap = 0; tap < all.length; tap++) {
      Matrix matrix = values.slice(tap);
      long key = CounterRandom.key(options.seed(), "", tensor);
      Randomized.shuffle(matrix, CounterRandom.draw(key, (slice + 1L) * view.taps() + tap));
      all[tap] = eigenvalues.ofSlice(matrix);
    }
    return Spectrum.pooled(
        view.larger(), view.smaller(), all, options.factor(view), rankTolerance());
  }
}
