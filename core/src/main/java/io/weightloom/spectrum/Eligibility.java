package io.weightloom.spectrum;

import io.weightloom.tensor.TensorSpec;
import java.util.Optional;

/**
 * Which tensors have a spectrum, and why others have none. In WeightWatcher's mode these are its
 * defaults of {@code min_evals}, {@code max_evals} and {@code max_N}, which it applies in silence.
 */
public final class Eligibility {
  private static final String SUFFIX = ".weight";
  private static final int LEAST = 2;
  private static final int LEAST_IN_WEIGHTWATCHER = 8;
  private static final int MOST_IN_WEIGHTWATCHER = 15_000;
  private static final int LONGEST_IN_WEIGHTWATCHER = 50_000;

  private final SpectrumOptions options;
  private final boolean namesWeights;

  /**
   * @param names of all tensors of the model
   */
  public Eligibility(SpectrumOptions options, Iterable<String> names) {
    this.options = options;
    boolean found = false;
    for (String name : names) {
      found |= name.endsWith(SUFFIX);
    }
    this.namesWeights = found;
  }

  /** Why a tensor is left out; empty if it is not. */
  public Optional<String> reason(TensorSpec tensor) {
    if (!tensor.dtype().isComputed()) {
      return Optional.of("%s is not computed on".formatted(tensor.dtype()));
    } else if (tensor.elements() == 0) {
      return Optional.of("no elements");
    } else if (tensor.shape().rank() < 2) {
      return Optional.of("no matrix: %d dimensions".formatted(tensor.shape().rank()));
    } else if (!MatrixView.canSee(tensor)) {
      return Optional.of("a dimension is longer than an array");
    }
    MatrixView view = MatrixView.of(tensor);
    return options.isWeightWatcher() ? asWeightWatcher(tensor, view) : reason(view);
  }

  private Optional<String> reason(MatrixView view) {
    if ((long) view.smaller() * view.taps() < LEAST) {
      return Optional.of("%d × %d is a vector".formatted(view.rows(), view.columns()));
    } else if (!options.isNormOnly() && view.smaller() > MatrixView.WIDEST) {
      return Optional.of(
          "M = %d: an array holds no Gram matrix above %d (ask for the spectral norm only)"
              .formatted(view.smaller(), MatrixView.WIDEST));
    } else if (view.taps() > 1 && (long) view.rows() * view.columns() > Integer.MAX_VALUE - 8) {
      return Optional.of("a slice of the convolution is longer than an array");
    }
    return Optional.empty();
  }

  private Optional<String> asWeightWatcher(TensorSpec tensor, MatrixView view) {
    int rank = tensor.shape().rank();
    long count = (long) view.smaller() * view.taps();
    if (namesWeights && !tensor.name().endsWith(SUFFIX)) {
      return Optional.of("WeightWatcher: the name does not end in " + SUFFIX);
    } else if (rank != 2 && rank != 4) {
      return Optional.of("WeightWatcher: %d dimensions, neither 2 nor 4".formatted(rank));
    } else if (view.rows() < 2) {
      return Optional.of("WeightWatcher: a single row");
    } else if (count < LEAST_IN_WEIGHTWATCHER) {
      return Optional.of(
          "WeightWatcher: %d eigenvalues, fewer than %d".formatted(count, LEAST_IN_WEIGHTWATCHER));
    } else if (count > MOST_IN_WEIGHTWATCHER) {
      return Optional.of(
          "WeightWatcher: %d eigenvalues, more than %d".formatted(count, MOST_IN_WEIGHTWATCHER));
    } else if (view.larger() > LONGEST_IN_WEIGHTWATCHER) {
      return Optional.of(
          "WeightWatcher: N = %d, more than %d".formatted(view.larger(), LONGEST_IN_WEIGHTWATCHER));
    }
    return reason(view);
  }
}
