package io.weightloom.source;

import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the rows of one tensor say, put together from all tasks. For one thread. */
final class TensorTally implements Serializable {
  private static final long serialVersionUID = 1;
  private static final int MAX_PROBLEMS = 3;

  private final TensorSpec spec;
  private final ElementRanges ranges = new ElementRanges();
  private final List<String> problems = new ArrayList<>();
  private @Nullable Origin origin;
  private boolean originsDiffer;

  /**
   * Where a tensor was before it came into rows.
   *
   * @param file the full path
   * @param begin its first byte
   */
  record Origin(String file, long begin) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  TensorTally(TensorSpec spec) {
    this.spec = spec;
  }

  TensorSpec spec() {
    return spec;
  }

  /** Where all its blocks were, if rows tell. */
  Optional<Origin> origin() {
    return originsDiffer ? Optional.empty() : Optional.ofNullable(origin);
  }

  /** The tensor of a row's columns. */
  static TensorSpec spec(String tensor, String dtype, long[] dims) {
    DType type =
        DType.ofName(dtype)
            .orElseThrow(() -> new IllegalArgumentException("there is no dtype " + dtype));
    TensorSpec spec = new TensorSpec(tensor, type, Shape.of(dims));
    try {
      spec.byteSize();
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "%s of %s has no whole bytes that can be counted".formatted(type, spec.shape()), e);
    }
    return spec;
  }

  /**
   * The offset of a row's block.
   *
   * @param position the offset itself, or the number of the block
   * @param blockElements the cut for numbers; 0 for offsets
   * @throws IllegalArgumentException if there is no such block in the tensor
   */
  static long offset(TensorSpec spec, long position, long count, int blockElements) {
    long elements = spec.elements();
    if (blockElements == 0) {
      if (position < 0 || count < 0 || count > elements - position) {
        throw new IllegalArgumentException(
            "%d elements from %d are not in %s".formatted(count, position, spec.shape()));
      }
      int bits = spec.dtype().bits();
      boolean cutsByte = bits % 8 != 0 && (position * bits % 8 != 0 || count * bits % 8 != 0);
      if (cutsByte) {
        throw new IllegalArgumentException(
            "%d elements of %s from %d are no whole bytes"
                .formatted(count, spec.dtype(), position));
      }
      return position;
    }
    BlockCut cut = BlockCut.of(spec, blockElements);
    if (elements == 0 && position == 0 && count == 0) {
      return 0;
    }
    if (position < 0 || position >= cut.blocks()) {
      throw new IllegalArgumentException(
          "there is no block %d among %d".formatted(position, cut.blocks()));
    }
    BlockCut.Block block = cut.block(position);
    if (block.count() != count) {
      throw new IllegalArgumentException(
          "block %d has %d elements, in blocks of option blockSize it has %d, add the column offset"
              .formatted(position, count, block.count()));
    }
    return block.offset();
  }

  void add(TensorSpec said, long offset, long count, @Nullable Origin from) {
    if (!said.equals(spec)) {
      problem(
          "it is %s %s and %s %s"
              .formatted(spec.dtype(), spec.shape(), said.dtype(), said.shape()));
      return;
    }
    ranges.add(offset, offset + count);
    takeOrigin(from);
  }

  void addAll(TensorTally other) {
    if (!other.spec.equals(spec)) {
      problem(
          "it is %s %s and %s %s"
              .formatted(spec.dtype(), spec.shape(), other.spec.dtype(), other.spec.shape()));
    }
    ranges.addAll(other.ranges);
    other.problems.forEach(this::problem);
    originsDiffer |= other.originsDiffer;
    takeOrigin(other.origin);
  }

  private void takeOrigin(@Nullable Origin from) {
    if (from != null) {
      originsDiffer |= origin != null && !origin.equals(from);
      origin = from;
    }
  }

  void problem(String problem) {
    if (problems.size() < MAX_PROBLEMS && !problems.contains(problem)) {
      problems.add(problem);
    }
  }

  /** Why the rows do not make up the tensor; empty if they do. */
  List<String> problems() {
    return problems.isEmpty() ? ranges.problems(spec.elements()) : List.copyOf(problems);
  }
}
