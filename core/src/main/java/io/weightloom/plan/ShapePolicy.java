package io.weightloom.plan;

import io.weightloom.recipe.Policies.Mismatched;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Makes tensors of different shapes fit as the recipe's policy says, or says why they cannot. */
final class ShapePolicy {
  private final Mismatched policy;
  private final int minModels;
  private final List<ModelInfo> models;
  private final Function<TensorDraft, String> shapes;
  private final Set<String> problems;

  /**
   * @param minModels the fewest models that the method merges
   * @param shapes names each model's shape, for messages
   * @param problems gets what cannot be made to fit
   */
  ShapePolicy(
      Mismatched policy,
      int minModels,
      List<ModelInfo> models,
      Function<TensorDraft, String> shapes,
      Set<String> problems) {
    this.policy = policy;
    this.minModels = minModels;
    this.models = models;
    this.shapes = shapes;
    this.problems = problems;
  }

  /** The draft with equal shapes throughout; one without inputs is to be copied from the base. */
  Optional<TensorDraft> fit(TensorDraft draft) {
    if (specs(draft).stream().map(TensorSpec::shape).distinct().count() <= 1) {
      return Optional.of(draft);
    }
    return switch (policy) {
      case ERROR -> refused(draft, "");
      case SKIP_MODEL -> skipped(draft);
      case KEEP_BASE ->
          draft.base() == null
              ? refused(draft, " (mismatched: keep-base needs a base model)")
              : Optional.of(draft.of(k -> false, "the base's: shapes differ"));
      case COMMON_SUBMATRIX -> common(draft);
      case TRUNCATE_BASE_ROWS -> truncated(draft);
    };
  }

  private static List<TensorSpec> specs(TensorDraft draft) {
    List<TensorSpec> specs = new ArrayList<>(draft.inputs());
    TensorSpec base = draft.base();
    if (base != null) {
      specs.add(base);
    }
    return specs;
  }

  private Optional<TensorDraft> refused(TensorDraft draft, String why) {
    problems.add(draft.name() + " differs in shape: " + shapes.apply(draft) + why);
    return Optional.empty();
  }

  private Optional<TensorDraft> skipped(TensorDraft draft) {
    TensorSpec base = draft.base();
    Shape wanted = (base == null ? draft.inputs().get(0) : base).shape();
    List<Integer> other =
        IntStream.range(0, draft.inputs().size())
            .filter(k -> !draft.inputs().get(k).shape().equals(wanted))
            .boxed()
            .toList();
    String who =
        String.join(
            ", ", other.stream().map(k -> models.get(draft.models().get(k)).reference()).toList());
    if (draft.inputs().size() - other.size() >= Math.max(1, minModels)) {
      return Optional.of(
          draft.of(k -> !other.contains(k), "merged without " + who + " of another shape"));
    }
    return base == null
        ? refused(draft, " (too few are left without those of another shape)")
        : Optional.of(draft.of(k -> false, "the base's: " + who + " of another shape"));
  }

  private Optional<TensorDraft> common(TensorDraft draft) {
    List<TensorSpec> specs = specs(draft);
    List<Long> least = new ArrayList<>(specs.get(0).shape().dims());
    for (TensorSpec spec : specs) {
      List<Long> dims = spec.shape().dims();
      if (dims.size() != least.size()) {
        return refused(draft, " (there is no common submatrix of other numbers of dimensions)");
      }
      for (int d = 0; d < dims.size(); d++) {
        if (d > 1 && !dims.get(d).equals(least.get(d))) {
          return refused(draft, " (a submatrix is of rows and columns)");
        }
        least.set(d, Math.min(least.get(d), dims.get(d)));
      }
    }
    if (least.size() > 2
        && specs.stream().anyMatch(s -> !s.shape().dims().get(1).equals(least.get(1)))) {
      return refused(draft, " (of tensors of more than two dimensions only rows are cut)");
    }
    return cropped(draft, new Shape(least), "the common " + new Shape(least));
  }

  private Optional<TensorDraft> truncated(TensorDraft draft) {
    TensorSpec base = draft.base();
    List<Shape> wanted = draft.inputs().stream().map(TensorSpec::shape).distinct().toList();
    if (base == null || wanted.size() > 1 || !isFirstRows(wanted.get(0), base.shape())) {
      return refused(draft, " (truncate-base-rows needs a base with more rows than all models)");
    }
    return cropped(
        draft, wanted.get(0), "the first " + wanted.get(0).dims().get(0) + " rows of the base");
  }

  private static boolean isFirstRows(Shape part, Shape whole) {
    return part.rank() == whole.rank()
        && part.rank() > 0
        && part.dims().get(0) < whole.dims().get(0)
        && part.dims().subList(1, part.rank()).equals(whole.dims().subList(1, whole.rank()));
  }

  private Optional<TensorDraft> cropped(TensorDraft draft, Shape shape, String note) {
    if (shape.elements() == 0 || specs(draft).stream().anyMatch(s -> !s.dtype().isComputed())) {
      return refused(draft, " (only floats are cut to a common shape)");
    }
    UnaryOperator<TensorSpec> crop = s -> new TensorSpec(s.name(), s.dtype(), shape);
    @Nullable TensorSpec base = draft.base();
    return Optional.of(
        draft.as(
            base == null ? null : crop.apply(base),
            draft.inputs().stream().map(crop).toList(),
            "merged of " + note + " (" + shapes.apply(draft) + ")"));
  }
}
