package io.weightloom.merge;

import io.weightloom.merge.MergeMethod.Yield;
import io.weightloom.merge.ParamSpec.Range;
import java.util.List;
import java.util.Locale;

/**
 * The parameters by which a method writes a part of a bundle instead of a model: the merged task
 * vector, or one model's mask on it. Surveys do not look at them, so that all parts share theirs.
 */
public final class BundlePart {
  public static final ParamSpec PART =
      ParamSpec.extension(
              "part",
              List.of("model", "vector", "mask"),
              "what is written: the model, or a part of a bundle")
          .forEmission();

  /** {@link #PART} of methods that make no masks. */
  public static final ParamSpec MODEL_OR_VECTOR =
      ParamSpec.extension(
              PART.name(),
              List.of("model", "vector"),
              "what is written: the model, or its part of a bundle")
          .forEmission();

  public static final ParamSpec MASK_OF =
      ParamSpec.extension(
              "mask_of",
              0,
              new Range(0, true, Double.POSITIVE_INFINITY),
              "part mask: of which model, by its place in the recipe from 0 on")
          .forEmission();

  private BundlePart() {}

  /** What these parameters ask for. */
  public static Yield of(Params params) {
    return Yield.valueOf(params.choice(PART.name()).toUpperCase(Locale.ROOT));
  }

  /** Whether they ask for one model's mask on a merged task vector. */
  public static boolean isMask(Params params) {
    return params.global().containsKey(PART.name()) && of(params) == Yield.MASK;
  }

  /** Index of the model whose mask is asked for. */
  public static int maskOf(Params params) {
    return (int) params.number(MASK_OF.name());
  }
}
