package io.weightloom.plan;

import io.weightloom.merge.SideTable.Layout;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/** One tensor of the output. */
public sealed interface PlannedTensor {

  /** Name, dtype and shape to write. */
  TensorSpec output();

  /** Bytes of input that one read of it takes. */
  long inputBytes();

  /**
   * A tensor that the method computes.
   *
   * @param merge what from
   * @param baseModel index of the base in {@link MergePlan#models}, or −1
   * @param models index of each input's model
   * @param sides index in {@link MergePlan#sideTables} of each side table that it reads
   * @param isMask whether it is written as packed bits
   */
  record Merged(
      TensorMerge merge, int baseModel, List<Integer> models, List<Integer> sides, boolean isMask)
      implements PlannedTensor {
    public Merged {
      models = List.copyOf(models);
      sides = List.copyOf(sides);
    }

    @Override
    public TensorSpec output() {
      TensorSpec output = merge.output();
      return isMask
          ? new TensorSpec(output.name(), DType.U8, Shape.of(Layout.maskBytes(output.elements())))
          : output;
    }

    @Override
    public long inputBytes() {
      TensorSpec base = merge.base();
      return merge.inputs().stream().mapToLong(i -> i.spec().byteSize()).sum()
          + merge.sides().stream().mapToLong(s -> s.spec().byteSize()).sum()
          + (base == null ? 0 : base.byteSize());
    }
  }

  /**
   * A tensor that is carried over byte for byte.
   *
   * @param output the tensor as it will be called
   * @param model index of its model
   * @param source the tensor as it is stored
   * @param reason why the method does not compute it
   */
  record Copied(TensorSpec output, int model, TensorSpec source, String reason)
      implements PlannedTensor {
    @Override
    public long inputBytes() {
      return source.byteSize();
    }
  }

  /**
   * A tensor that has the bytes of another of the output.
   *
   * @param output the tensor as it will be called
   * @param to index in the plan of the other, which is merged or copied
   */
  record Tied(TensorSpec output, int to) implements PlannedTensor {
    @Override
    public long inputBytes() {
      return 0;
    }
  }
}
