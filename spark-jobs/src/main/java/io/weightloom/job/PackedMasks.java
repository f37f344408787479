package io.weightloom.job;

import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.Map;
import java.util.TreeMap;

/**
 * Masks as files hold them: one bit an element, the first in the lowest bit of the first byte as
 * numpy's {@code packbits(bitorder="little")} has it, in a U8 tensor under the name of the tensor
 * that the mask is of. The shapes of those are in the file's metadata.
 */
final class PackedMasks {
  /** Key of the file's metadata under which shapes stand, as JSON by tensor. */
  static final String SHAPES = "weightloom_mask_shapes";

  /** Elements of a span must fill whole grains of bytes. */
  static final int SPAN_GRAINS = 8;

  private static final String OUTPUT = "output";
  private static final String PACKED = "packed";

  private PackedMasks() {}

  /** Whether a merge writes a mask of one bit an element. */
  static boolean isPacked(TensorMerge merge) {
    return PACKED.equals(merge.params().global().get(OUTPUT));
  }

  /** Whether a plan writes such masks, and so no model. */
  static boolean isPacked(MergePlan plan) {
    return plan.tensors().stream().anyMatch(t -> t instanceof Merged m && isPacked(m.merge()));
  }

  /** How a tensor lies in its file. */
  static TensorSpec stored(TensorMerge merge) {
    return isPacked(merge) ? packed(merge.output()) : merge.output();
  }

  private static TensorSpec packed(TensorSpec tensor) {
    return new TensorSpec(tensor.name(), DType.U8, Shape.of((tensor.elements() + 7) / 8));
  }

  /** A file of the output. */
  static SafetensorsLayout layout(MergePlan plan, MergePlan.Shard shard) {
    if (!isPacked(plan)) {
      return SafetensorsLayout.of(shard.tensors(), PreparedMerge.METADATA);
    }
    Map<String, PlannedTensor> planned = new TreeMap<>();
    plan.tensors().forEach(t -> planned.put(t.output().name(), t));
    Map<String, Object> shapes = new TreeMap<>();
    shard.tensors().stream()
        .filter(t -> planned.get(t.name()) instanceof Merged)
        .forEach(t -> shapes.put(t.name(), t.shape().dims()));
    Map<String, String> metadata = new TreeMap<>(PreparedMerge.METADATA);
    metadata.put(SHAPES, Json.line(Json.tree(shapes)));
    return SafetensorsLayout.of(
        shard.tensors().stream().map(t -> shapes.containsKey(t.name()) ? packed(t) : t).toList(),
        metadata);
  }

  /** Takes the bytes of one tensor's mask in order and packs them. For one thread. */
  static final class Packer {
    private final int width;
    private long left;
    private int open;
    private int bits;

    /**
     * @param width bytes of an element as it comes
     * @param elements that come in all
     */
    Packer(int width, long elements) {
      this.width = width;
      this.left = elements;
    }

    /**
     * Packs a block in place: an element of which a byte is not 0 is kept.
     *
     * @return bytes that are ready at the block's begin
     */
    int pack(byte[] block, int length) {
      int out = 0;
      for (int at = 0; at < length; at += width) {
        boolean kept = false;
        for (int b = at; b < at + width; b++) {
          kept |= block[b] != 0;
        }
        bits |= kept ? 1 << open : 0;
        left--;
        if (++open == 8 || left == 0) {
          block[out++] = (byte) bits;
          open = 0;
          bits = 0;
        }
      }
      return out;
    }
  }
}
