package io.weightloom.plan;

import io.weightloom.plan.MergePlan.Shard;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * Packs tensors into files as Hugging Face does: greedily in order, a tensor larger than the limit
 * in a file of its own, {@code model.safetensors} if one file is enough.
 */
public final class ShardLayout {

  private ShardLayout() {}

  /**
   * The files of some tensors.
   *
   * @param tensors in the order in which they are packed
   * @param limitBytes the most bytes of tensors in a file
   */
  public static List<Shard> of(List<TensorSpec> tensors, long limitBytes) {
    List<List<TensorSpec>> groups = new ArrayList<>();
    long used = 0;
    for (TensorSpec tensor : tensors) {
      long size = tensor.byteSize();
      if (groups.isEmpty() || (used > 0 && used + size > limitBytes)) {
        groups.add(new ArrayList<>());
        used = 0;
      }
      groups.get(groups.size() - 1).add(tensor);
      used += size;
    }
    List<Shard> shards = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      String file =
          groups.size() == 1
              ? "model.safetensors"
              : "model-%05d-of-%05d.safetensors".formatted(i + 1, groups.size());
      shards.add(new Shard(file, List.copyOf(groups.get(i))));
    }
    return shards;
  }
}
