package io.weightloom.merge.taskvector;

import io.weightloom.merge.MergeMethod.Yield;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of the task vectors δₖ = θₖ − θ₀ of one tensor. In order: random drop and its
 * rescale, a mask of rows, magnitude trim, 1/p or L1 rescale, weight, sign election, merge
 * function, the consensus of masks, λ, base.
 *
 * @param weights wₖ
 * @param lambda λ, applied last
 * @param drop the random drop
 * @param rows the mask made row by row
 * @param trim the magnitude trim
 * @param l1 whether each trimmed δₖ is scaled to the L1 norm that it had
 * @param election how conflicting signs are resolved
 * @param function how what agrees is merged
 * @param consensus which coordinates of the merged task vector are kept, or null for all
 */
public record TaskVectorRule(
    double[] weights,
    double lambda,
    Drop drop,
    RowMask rows,
    Trim trim,
    boolean l1,
    Election election,
    Function function,
    @Nullable Consensus consensus)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /** A rule that looks neither at rows nor at a consensus. */
  public TaskVectorRule(
      double[] weights,
      double lambda,
      Drop drop,
      Trim trim,
      boolean l1,
      Election election,
      Function function) {
    this(weights, lambda, drop, RowMask.none(weights.length), trim, l1, election, function, null);
  }

  /**
   * A Bernoulli mask for each model (DARE, Yu et al., 2023, eq. 3).
   *
   * @param densities probability to keep an element, by model; 1 keeps all, 0 nothing
   * @param divisors what is kept is divided by this, by model: the probability, DAREx's q, or 1
   */
  public record Drop(double[] densities, double[] divisors) implements Serializable {
    /** Keeps all. */
    public static Drop none(int models) {
      return new Drop(ones(models), ones(models));
    }

    /** Divides by the density if asked. */
    public static Drop of(double[] densities, boolean byDensity) {
      return new Drop(densities, byDensity ? densities : ones(densities.length));
    }
  }

  /**
   * A magnitude threshold for each model (TIES, Yadav et al., 2023, §4.1), and another above which
   * elements are outliers (Breadcrumbs, Davari and Belilovsky, 2023, §3).
   *
   * @param densities share to keep, by model; 1 keeps all, outliers included
   * @param keep how many that means, and what of ties
   * @param inverse whether what is kept is divided by the density
   * @param margins by model, beside {@link Keep#BELOW_OUTLIERS} the share of outliers to drop,
   *     beside {@link Keep#FAR_FROM_MEAN} the standard deviations
   */
  public record Trim(double[] densities, Keep keep, boolean inverse, double[] margins)
      implements Serializable {

    /** A trim without outliers. */
    public Trim(double[] densities, Keep keep, boolean inverse) {
      this(densities, keep, inverse, new double[densities.length]);
    }

    /** Keeps all. */
    public static Trim none(int models) {
      return new Trim(ones(models), Keep.EXACT, false);
    }

    boolean trims() {
      return keep == Keep.FAR_FROM_MEAN || Arrays.stream(densities).anyMatch(d -> d < 1);
    }

    /** Rank from the top of the smallest magnitude kept; 0 if all are kept or no rank tells. */
    long rank(int model, long n) {
      double density = densities[model];
      if (density >= 1 || !keep.isByRank()) {
        return 0;
      }
      long rank = outliers(model, n) + keep.rank(density, n);
      return rank > n || (rank == n && keep == Keep.BELOW_OUTLIERS) ? 0 : rank;
    }

    /** How many of the largest magnitudes are dropped. */
    long outliers(int model, long n) {
      double density = densities[model];
      if (density >= 1 || keep != Keep.BELOW_OUTLIERS) {
        return 0;
      }
      return outliers(density, margins[model], n);
    }

    /** Fewer than γ·n where so many must be kept that no more are left to drop. */
    public static long outliers(double density, double gamma, long n) {
      return Math.min((long) (gamma * n), n - (long) (density * n));
    }
  }

  /**
   * Which coordinates of the merged task vector M are kept: those that enough models use. Model t
   * uses a coordinate if |θ₀ − θₜ| > λₜ·|θ₀ + M − θₜ| (TALL masks and consensus merging, Wang et
   * al., 2024, eq. 3 and §4.3).
   *
   * @param lambdas λₜ by model
   * @param uses how many models must use a coordinate
   * @param throughModels whether the differences are taken of parameters, as the reference code
   *     does; else |δₜ| > λₜ·|M − δₜ| is compared, which rounds differently
   * @param yield whether the model is written, M itself, or one model's mask
   * @param maskOf which model's
   */
  public record Consensus(
      double[] lambdas, int uses, boolean throughModels, Yield yield, int maskOf)
      implements Serializable {}

  /** How many of n elements a density d keeps. */
  public enum Keep {
    /** Exactly ⌊d·n⌋, at least one; of equal magnitudes the lowest flat index first. */
    EXACT,
    /** All not below the k-th smallest magnitude, k = n − ⌊d·n⌋ (TIES' own code). */
    REFERENCE,
    /** All not below the k-th smallest magnitude, k = ⌊n·(1−d)⌋ (MergeLM's TIES). */
    MASK_RATE,
    /** All above the k-th smallest magnitude, k = ⌊n·(1−d)⌋ (MergeLM's DARE by magnitude). */
    ABOVE,
    /**
     * Exactly ⌊d·n⌋, those that follow the outliers; of equal magnitudes the lowest flat index
     * first (mergekit's breadcrumbs).
     */
    BELOW_OUTLIERS,
    /**
     * The fewest of the largest whose squares make up the share d of all squares; of equal
     * magnitudes the lowest flat index first (TIES' own code, {@code nf}, but for the last element
     * of the model, which that keeps whatever its size).
     */
    SQUARES,
    /** All farther from the mean than some standard deviations (TIES' own code, {@code std}). */
    FAR_FROM_MEAN;

    boolean isByRank() {
      return this != SQUARES && this != FAR_FROM_MEAN;
    }

    /** Rank from the top, 1 being the largest, of the magnitude that bounds what is kept. */
    long rank(double density, long n) {
      return switch (this) {
        case BELOW_OUTLIERS -> (long) (density * n);
        case EXACT -> Math.max(1, (long) (density * n));
        case REFERENCE -> (long) (density * n) + 1;
        case MASK_RATE, ABOVE -> n - (long) (n * complement(density)) + 1;
        case SQUARES, FAR_FROM_MEAN -> 0;
      };
    }

    /** 1 − d in decimal, for MergeLM is given 0.1 where we are given 0.9: 1 − 0.9 is less. */
    private static double complement(double density) {
      return BigDecimal.ONE.subtract(BigDecimal.valueOf(density)).doubleValue();
    }
  }

  /**
   * How a coordinate's sign is elected (TIES §4.2).
   *
   * @param vote what is counted; null for no election, all take part
   * @param onTie what a vote of zero means
   */
  public record Election(@Nullable Vote vote, OnTie onTie) implements Serializable {
    private static final long serialVersionUID = 1;

    /** No election: all take part. */
    public static final Election NONE = new Election(null, OnTie.POSITIVE);

    /** Sign of the sum; a zero sum counts as positive (mergekit). */
    public static final Election MASS = new Election(Vote.MASS, OnTie.POSITIVE);

    /** Sign of the sum; zero takes the majority sign of the scope. */
    public static final Election MASS_MAJORITY = new Election(Vote.MASS, OnTie.MAJORITY);

    boolean votes() {
      return vote != null;
    }

    boolean needsMajority() {
      return votes() && onTie != OnTie.POSITIVE;
    }

    /** Whether votes are counted in shares of each model's ‖δ‖². */
    boolean needsNorms() {
      return vote == Vote.LARGEST_SHARE || vote == Vote.SHARES;
    }

    /** The sign of a coordinate whose vote is zero, given the sign of the whole scope. */
    double zeroSign(int majority) {
      return switch (onTie) {
        case POSITIVE -> 1;
        case MAJORITY_OR_NONE -> majority;
        case MAJORITY -> majority == 0 ? -1 : majority;
      };
    }
  }

  /** What is counted in an election. */
  public enum Vote {
    /** The sum of the values. */
    MASS,
    /** The sum of the signs. */
    COUNT,
    /**
     * The value with the largest share of its own task vector's squares; of equal ones the first
     * (TIES' own code, {@code normfrac}).
     */
    LARGEST_SHARE,
    /** The sum of those shares, each with its value's sign (TIES' own code, {@code normmass}). */
    SHARES
  }

  /** What a vote of zero means. */
  public enum OnTie {
    POSITIVE,
    /** The majority sign of the scope, negative if that is zero. */
    MAJORITY,
    /** The majority sign of the scope; nothing is selected if that is zero (MergeLM). */
    MAJORITY_OR_NONE
  }

  /** How the values that agree become one (TIES §4.3, "disjoint merge"). */
  public enum Function {
    /** Their weighted mean. */
    MEAN,
    /** Their weighted sum. */
    SUM,
    /** Their sum, weighted after an election in which all vote alike (AdaMerging++). */
    SUM_WEIGHTED_LATE,
    /** The one of largest magnitude. */
    MAX
  }

  static double[] ones(int models) {
    double[] ones = new double[models];
    Arrays.fill(ones, 1);
    return ones;
  }

  boolean drops() {
    return Arrays.stream(drop.densities()).anyMatch(d -> d < 1) || rows.isRandom();
  }

  boolean sparsifies() {
    return trim.trims() || drops() || rows.masks();
  }

  /** Whether norms are needed before and after. */
  boolean rescales() {
    return l1 && sparsifies();
  }
}
