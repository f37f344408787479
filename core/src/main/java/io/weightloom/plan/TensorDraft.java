package io.weightloom.plan;

import io.weightloom.recipe.Recipe.Slice;
import io.weightloom.recipe.Recipe.Source;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * An output tensor before its parameters are known.
 *
 * @param name in the output
 * @param slice where it comes from
 * @param base the base's tensor, or null
 * @param baseModel index of the base, or −1
 * @param sources the recipe's entries that are merged
 * @param models index of each source's model
 * @param inputs each source's tensor
 * @param position 0 to 1 over the layers of the slice
 * @param note what a policy has done; empty if none had to
 */
record TensorDraft(
    String name,
    Slice slice,
    @Nullable TensorSpec base,
    int baseModel,
    List<Source> sources,
    List<Integer> models,
    List<TensorSpec> inputs,
    double position,
    String note) {

  /** With those of the inputs only that {@code kept} says. */
  TensorDraft of(IntPredicate kept, String newNote) {
    List<Integer> left = IntStream.range(0, inputs.size()).filter(kept).boxed().toList();
    return new TensorDraft(
        name,
        slice,
        base,
        baseModel,
        left.stream().map(sources::get).toList(),
        left.stream().map(models::get).toList(),
        left.stream().map(inputs::get).toList(),
        position,
        also(newNote));
  }

  /** Seen as another shape. */
  TensorDraft as(@Nullable TensorSpec newBase, List<TensorSpec> newInputs, String newNote) {
    return new TensorDraft(
        name, slice, newBase, baseModel, sources, models, newInputs, position, also(newNote));
  }

  private String also(String more) {
    return note.isEmpty() ? more : note + "; " + more;
  }
}
