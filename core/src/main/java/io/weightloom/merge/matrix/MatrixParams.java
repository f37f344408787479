package io.weightloom.merge.matrix;

import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.TensorName;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The parameters that matrix methods share, and what they mean. */
public final class MatrixParams {
  private static final String PROJECTION = "text_projection";
  private static final String MATRICES = "matrices";
  private static final String REST = "rest";

  public static final ParamSpec LAMBDA =
      ParamSpec.number("lambda", 1, "factor of the merged task vector");

  /** The variants of methods whose code the paper published, and FusionBench took up. */
  public static final List<Variant> BY_CODE =
      List.of(
          new Variant("reference", "the paper's own code", Map.of()),
          new Variant("fusionbench", "FusionBench's code", Map.of(MATRICES, "all")));

  private MatrixParams() {}

  /**
   * {@code matrices}: which of the 2-D tensors are merged as matrices; the first word is the
   * method's default.
   */
  public static ParamSpec matrices(String byDefault) {
    return ParamSpec.extension(
        MATRICES,
        first(byDefault, List.of("all", "layers", "reference")),
        "2-D tensors merged as matrices: all, those in numbered layers, all but text_projection");
  }

  /** {@code rest}: what becomes of all other tensors; the first word is the method's default. */
  public static ParamSpec rest(String byDefault) {
    return ParamSpec.extension(
        REST, first(byDefault, List.of("mean", "base")), "all else: mean task vector, or the base");
  }

  private static List<String> first(String word, List<String> all) {
    return Stream.concat(Stream.of(word), all.stream().filter(w -> !w.equals(word))).toList();
  }

  /** Whether a tensor is merged as a matrix. */
  public static boolean isMatrix(TensorMerge tensor) {
    if (tensor.output().shape().rank() != 2 || tensor.elements() == 0) {
      return false;
    }
    String name = tensor.output().name();
    return switch (tensor.params().choice(MATRICES)) {
      case "layers" -> TensorName.layer(name).isPresent();
      case "reference" -> !name.contains(PROJECTION);
      default -> true;
    };
  }

  /** The merge of the others that {@code rest} names; the mean where a method has no choice. */
  public static MergeState rest(MergeScope scope) {
    Params p = scope.tensors().get(0).params();
    return "base".equals(p.global().get(REST))
        ? new Rest.Base()
        : Rest.TaskVectors.mean(p.number("lambda"), scope.models());
  }

  public static long rows(TensorMerge matrix) {
    return matrix.output().shape().dims().get(0);
  }

  public static long columns(TensorMerge matrix) {
    return matrix.output().shape().dims().get(1);
  }
}
