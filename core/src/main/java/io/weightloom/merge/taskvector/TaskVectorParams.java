package io.weightloom.merge.taskvector;

import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Function;
import io.weightloom.merge.taskvector.TaskVectorRule.Keep;
import io.weightloom.merge.taskvector.TaskVectorRule.OnTie;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import io.weightloom.merge.taskvector.TaskVectorRule.Vote;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The parameters that methods of task vectors share, and what they mean. */
public final class TaskVectorParams {
  private static final double NO_WEIGHT = 1e-8;
  static final Range SHARE = new Range(0, true, 1);

  public static final ParamSpec WEIGHT =
      ParamSpec.perModel("weight", "factor of the model's task vector");
  public static final ParamSpec DENSITY =
      ParamSpec.perModel("density", "share of the task vector to keep")
          .within(Range.DENSITY)
          .orElse(1);
  public static final ParamSpec LAMBDA =
      ParamSpec.number("lambda", 1, "factor of the merged task vector").forEmission();
  public static final ParamSpec INT8_MASK =
      ParamSpec.flag("int8_mask", false, "accepted for mergekit's sake; changes nothing");
  public static final ParamSpec SCOPE =
      ParamSpec.extension(
          "scope", List.of("tensor", "model"), "what the density and the majority are taken over");
  public static final ParamSpec ELECTION =
      ParamSpec.extension("election", List.of("mass", "count"), "what votes on a sign");

  /** {@link #ELECTION} with the votes that TIES' own code has besides. */
  public static final ParamSpec ELECTION_BY_NORM =
      ParamSpec.extension(
          "election",
          List.of("mass", "count", "normfrac", "normmass"),
          "what votes on a sign: the sum, the sum of signs, the largest share of its task vector's"
              + " squares, the sum of such shares");

  public static final ParamSpec ZERO_SIGN =
      ParamSpec.extension(
          "zero_sign",
          List.of("positive", "majority", "majority_or_none"),
          "sign where the vote is zero");
  public static final ParamSpec DISJOINT =
      ParamSpec.extension(
          "disjoint",
          List.of("mean", "max"),
          "merge of what agrees; mean is a sum if not normalised");

  private TaskVectorParams() {}

  /** {@code normalize} with the method's own default. */
  public static ParamSpec normalize(boolean byDefault) {
    return ParamSpec.flag(
        "normalize", byDefault, "divide by the sum of the weights that take part");
  }

  /** {@code rescale} with the method's own default. */
  public static ParamSpec rescale(boolean byDefault) {
    return ParamSpec.flag("rescale", byDefault, "restore the size that dropping took away");
  }

  /** {@code trim}: how a density becomes a number of elements. */
  public static final ParamSpec TRIM =
      ParamSpec.extension(
          "trim", List.of("exact", "reference", "mask_rate"), "how many a density keeps");

  /** {@link #TRIM} with the trims that TIES' own code has besides. */
  public static final ParamSpec TRIM_BY_NORM =
      ParamSpec.extension(
          "trim",
          List.of("exact", "reference", "mask_rate", "nf", "std"),
          "how many a density keeps; nf: the fewest that make up this share of the squares; std:"
              + " what lies std_factor standard deviations from the mean");

  public static final ParamSpec STD_FACTOR =
      ParamSpec.extension(
          "std_factor",
          1,
          new Range(0, true, Double.POSITIVE_INFINITY),
          "standard deviations from the mean, beside trim: std");

  /** What TIES takes, with the method's own defaults. */
  public static List<ParamSpec> ties(boolean normalizes, boolean rescales) {
    return List.of(
        WEIGHT,
        DENSITY,
        LAMBDA,
        normalize(normalizes),
        rescale(rescales),
        INT8_MASK,
        SCOPE,
        TRIM,
        ELECTION,
        ZERO_SIGN,
        DISJOINT);
  }

  /** These parameters and more. */
  public static List<ParamSpec> with(List<ParamSpec> parameters, ParamSpec... more) {
    return Stream.concat(parameters.stream(), Arrays.stream(more)).toList();
  }

  public static boolean isWholeModel(Params p) {
    return p.choice("scope").equals("model");
  }

  /** The trim of these densities. */
  public static Trim trim(Params p, double[] densities) {
    double[] margins = new double[densities.length];
    Keep keep =
        switch (p.choice("trim")) {
          case "reference" -> Keep.REFERENCE;
          case "mask_rate" -> Keep.MASK_RATE;
          case "nf" -> Keep.SQUARES;
          case "std" -> {
            Arrays.fill(margins, p.number("std_factor"));
            yield Keep.FAR_FROM_MEAN;
          }
          default -> Keep.EXACT;
        };
    return new Trim(densities, keep, false, margins);
  }

  /** The election that {@code election} and {@code zero_sign} name. */
  public static Election election(Params p) {
    return new Election(
        vote(p),
        switch (p.choice("zero_sign")) {
          case "majority" -> OnTie.MAJORITY;
          case "majority_or_none" -> OnTie.MAJORITY_OR_NONE;
          default -> OnTie.POSITIVE;
        });
  }

  private static Vote vote(Params p) {
    return switch (p.choice("election")) {
      case "count" -> Vote.COUNT;
      case "normfrac" -> Vote.LARGEST_SHARE;
      case "normmass" -> Vote.SHARES;
      default -> Vote.MASS;
    };
  }

  /** Mean or sum as {@code normalize} says. */
  public static Function meanOrSum(Params p) {
    return p.flag("normalize") ? Function.MEAN : Function.SUM;
  }

  /** The merge function that {@code disjoint} and {@code normalize} name. */
  public static Function function(Params p) {
    if (p.choice("disjoint").equals("max")) {
      return Function.MAX;
    }
    return meanOrSum(p);
  }

  /** A divisor of zero: weights that cancel where everything takes part. */
  public static Optional<String> weightsThatCancel(Params p) {
    double sum = Arrays.stream(p.numbers("weight")).sum();
    return p.flag("normalize") && Math.abs(sum) < NO_WEIGHT
        ? Optional.of("the weights sum to " + sum + " (change a weight, or set normalize: false)")
        : Optional.empty();
  }

  /** The sign of the vote that {@code election} names; a zero counts as positive. */
  public static Election voted(Params p) {
    return new Election(vote(p), OnTie.POSITIVE);
  }
}
