package io.weightloom.prune;

import io.weightloom.merge.MergeMethod.Yield;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.TensorName;
import java.util.List;
import java.util.Map;

/** The parameters that pruning methods share, and what they mean. */
public final class PruneParams {
  private static final String SPARSITY_KEY = "sparsity";
  private static final String TARGETS_KEY = "targets";
  private static final String OUTPUT_KEY = "output";

  /** {@code sparsity}: the share that is pruned. */
  public static final ParamSpec SPARSITY =
      ParamSpec.required(SPARSITY_KEY, "share of the weights to prune; 0 leaves a tensor as it is")
          .within(new Range(0, true, 1));

  /** {@code count}: how many that is, and what of scores that tie. */
  public static final ParamSpec COUNT =
      ParamSpec.extension(
          "count",
          List.of("floor", "round", "ties", "beyond"),
          "how many a sparsity s prunes of n: exactly ⌊s·n⌋, exactly s·n rounded, all that tie with"
              + " the ⌊s·n⌋-th smallest, all that tie with the next");

  /** {@code targets}: which tensors. */
  public static final ParamSpec TARGETS =
      ParamSpec.extension(
          TARGETS_KEY,
          List.of("layers", "matrices", "all"),
          "tensors that are pruned: weights of two dimensions or more in numbered layers, the same"
              + " anywhere, all");

  /** {@code output}: weights or the mask. */
  public static final ParamSpec OUTPUT =
      ParamSpec.extension(
          OUTPUT_KEY,
          List.of("weights", "mask", "packed"),
          "what is written: the weights, pruned ones 0; 1 for what is kept and 0 for the rest; the"
              + " same as one bit an element");

  private PruneParams() {}

  /** {@code scope}: what scores are ranked among; the first word is the method's default. */
  static ParamSpec scope(String... words) {
    return ParamSpec.extension(
        "scope", List.of(words), "what scores are ranked among: the tensor, each row, the model");
  }

  static double sparsity(TensorMerge tensor) {
    return tensor.params().number(SPARSITY_KEY);
  }

  static Counting counting(Params params) {
    return Counting.of(params.choice("count"));
  }

  /** A mask of one bit an element is no model. */
  static Yield yields(Params params) {
    return params.choice(OUTPUT_KEY).equals("packed") ? Yield.MASK : Yield.MODEL;
  }

  /** Whether what a pruning writes is the mask, not the weights. */
  public static boolean isMask(Params params) {
    return !params.choice(OUTPUT_KEY).equals("weights");
  }

  /** Whether a tensor belongs to the targets, whatever its sparsity. */
  static boolean isTarget(TensorMerge tensor) {
    return isTarget(
        tensor.params().choice(TARGETS_KEY),
        tensor.output().name(),
        tensor.output().shape().rank(),
        tensor.elements());
  }

  /**
   * Whether a merge of a tensor is its pruning, whatever its sparsity: the method chooses weights
   * to keep, and the tensor belongs to its targets.
   */
  public static boolean isPruned(TensorMerge tensor) {
    return tensor.params().global().keySet().containsAll(List.of(TARGETS_KEY, OUTPUT_KEY))
        && isTarget(tensor);
  }

  /**
   * Whether a tensor belongs to the targets.
   *
   * @param targets a word of {@link #TARGETS}
   */
  public static boolean isTarget(String targets, String name, int rank, long elements) {
    return elements > 0
        && switch (targets) {
          case "all" -> true;
          case "matrices" -> rank >= 2;
          default -> rank >= 2 && TensorName.layer(name).isPresent();
        };
  }

  /** What {@code torch.nn.utils.prune}, llm-compressor and Wanda's repository count. */
  static Map<String, Object> counts(String word) {
    return Map.of("count", word);
  }
}
