package io.weightloom.job;

import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Merged;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Masks as files hold them: one bit an element, the first in the lowest bit of the first byte as
 * numpy's {@code packbits(bitorder="little")} has it, in a U8 tensor under the name of the tensor
 * that the mask is of. The shapes of those are in the file's metadata.
 */
final class PackedMasks {
  /** Key of the file's metadata under which shapes stand, as JSON by tensor. */
  static final String SHAPES = "weightloom_mask_shapes";

  private static final String OUTPUT = "output";
  private static final String PACKED = "packed";

  private PackedMasks() {}

  /** Whether a merge writes a mask of one bit an element. */
  static boolean isPacked(TensorMerge merge) {
    return PACKED.equals(merge.params().global().get(OUTPUT));
  }

  /** A file of the output; of masks with the shapes in its metadata. */
  static SafetensorsLayout layout(MergePlan plan, MergePlan.Shard shard) {
    Map<String, Object> shapes = new TreeMap<>();
    Set<String> here = new HashSet<>();
    shard.tensors().forEach(t -> here.add(t.name()));
    for (PlannedTensor t : plan.tensors()) {
      if (t instanceof Merged m && isPacked(m.merge()) && here.contains(t.output().name())) {
        shapes.put(t.output().name(), m.merge().output().shape().dims());
      }
    }
    Map<String, String> metadata = new TreeMap<>(PreparedMerge.METADATA);
    if (!shapes.isEmpty()) {
      metadata.put(SHAPES, Json.line(Json.tree(shapes)));
    }
    return SafetensorsLayout.of(shard.tensors(), metadata);
  }
}
