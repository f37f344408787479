package io.weightloom.merge;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.MergeState.Emitter;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.MergeState.Surveyor;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * Walks a span of a tensor: reads a block of the base and of every model, decodes it chunk by
 * chunk, hands the chunks to a method, and on an emission encodes and passes on what comes back.
 * Memory is one block a model and one for the output, whatever the size of the tensor.
 *
 * <p>Keeps its buffers between spans; belongs to one thread.
 */
public final class SpanRunner {

  /** Index of the base model's tensor, as a {@link BlockReader} knows it. */
  public static final int BASE = -1;

  /** Elements of a row that a method may hold whole: 512 MiB a model. */
  private static final int LONGEST_ROW = 1 << 26;

  /** Reads the bytes of a block. */
  @FunctionalInterface
  public interface BlockReader {
    /**
     * Fills {@code into} from its start.
     *
     * @param input index of the model in the merge, or {@link #BASE}; behind the models, of the
     *     side table's tensor
     * @param offset first byte, from the start of the tensor's data
     * @param length number of bytes
     */
    void read(int input, long offset, byte[] into, int length);

    /** As {@link #read}, of rows that are looked at before they are read in their turn. */
    default void readAhead(int input, long offset, byte[] into, int length) {
      read(input, offset, into, length);
    }
  }

  /** Takes the bytes of a block of the output. */
  @FunctionalInterface
  public interface BlockWriter {
    /**
     * Writes {@code length} bytes from the start of {@code block}, which is reused afterwards.
     *
     * @param offset first byte, from the start of the tensor's data
     */
    void write(long offset, byte[] block, int length);
  }

  private final Kernels kernels;
  private final int blockElements;
  private byte[][] blocks = new byte[0][];
  private byte[] output = new byte[0];

  /**
   * A runner with blocks of this many elements: a power of two, at least {@link Arith#CAPACITY} and
   * at most {@link Span#GRAIN}.
   */
  public SpanRunner(Kernels kernels, int blockElements) {
    if (Integer.bitCount(blockElements) != 1
        || blockElements < Arith.CAPACITY
        || blockElements > Span.GRAIN) {
      throw new IllegalArgumentException("block of " + blockElements + " elements");
    }
    this.kernels = kernels;
    this.blockElements = blockElements;
  }

  /** Elements of a block. */
  public int blockElements() {
    return blockElements;
  }

  /**
   * One read of a span.
   *
   * @param checkFinite whether a NaN or an infinity is an error; once a tensor is enough
   */
  public Part survey(
      Survey survey, TensorMerge tensor, Span span, BlockReader reader, boolean checkFinite) {
    return tensor.isDouble()
        ? survey(new DoubleArith(kernels), survey, tensor, span, reader, checkFinite)
        : survey(floatArith(tensor), survey, tensor, span, reader, checkFinite);
  }

  private <V> Part survey(
      Arith<V> arith,
      Survey survey,
      TensorMerge tensor,
      Span span,
      BlockReader reader,
      boolean checkFinite) {
    Surveyor<V> surveyor = survey.surveyor(arith, span);
    Walk<V> walk = new Walk<>(arith, tensor, reader, checkFinite, survey.isOfSides());
    Span read =
        survey.isPartial()
            ? new Span(span.tensor(), span.first(), Math.min(span.count(), Span.GRAIN))
            : span;
    walk.over(read, surveyor.rows(), (chunk, at) -> surveyor.see(chunk), (offset, count) -> {});
    return new Part(span, surveyor.found());
  }

  /**
   * Computes and writes the outputs of a span.
   *
   * @return counts, as {@link Emitter#counts} has them
   */
  public Map<String, long[]> emit(
      MergeState state,
      TensorMerge tensor,
      Span span,
      BlockReader reader,
      BlockWriter writer,
      boolean checkFinite) {
    return tensor.isDouble()
        ? emit(new DoubleArith(kernels), state, tensor, span, reader, writer, checkFinite)
        : emit(floatArith(tensor), state, tensor, span, reader, writer, checkFinite);
  }

  private <V> Map<String, long[]> emit(
      Arith<V> arith,
      MergeState state,
      TensorMerge tensor,
      Span span,
      BlockReader reader,
      BlockWriter writer,
      boolean checkFinite) {
    Emitter<V> emitter = state.emitter(arith, span);
    Walk<V> walk = new Walk<>(arith, tensor, reader, checkFinite, false);
    DType dtype = tensor.output().dtype();
    V out = arith.vector();
    if (output.length < blockElements * dtype.bytes()) {
      output = new byte[blockElements * dtype.bytes()];
    }
    walk.over(
        span,
        emitter.rows(),
        (chunk, at) -> {
          emitter.emit(chunk, out);
          arith.encode(dtype, out, chunk.length(), output, at * dtype.bytes());
        },
        (first, count) -> writer.write(first * dtype.bytes(), output, count * dtype.bytes()));
    return emitter.counts();
  }

  private FloatArith floatArith(TensorMerge tensor) {
    return tensor.numerics() == Numerics.MERGEKIT
        ? FloatArith.rounding(kernels, tensor.compute())
        : FloatArith.accurate(kernels, tensor.output().dtype() == DType.F32);
  }

  private byte[] block(int index, int bytes) {
    if (index >= blocks.length) {
      blocks = java.util.Arrays.copyOf(blocks, index + 1);
    }
    if (blocks[index] == null || blocks[index].length < bytes) {
      blocks[index] = new byte[bytes];
    }
    return blocks[index];
  }

  @FunctionalInterface
  private interface BlockEnd {
    void at(long first, int count);
  }

  /** The loop over blocks and chunks. */
  private final class Walk<V> {
    private final Arith<V> arith;
    private final TensorMerge tensor;
    private final BlockReader reader;
    private final boolean checkFinite;
    private final V base;
    private final V[] inputs;
    private final V[] sides;
    private final int from;
    private final Chunk<V> chunk;
    private final double[] @org.jspecify.annotations.Nullable [] columns;
    private final double[] tile = new double[Arith.CAPACITY];
    private long seenFrom = -1;
    private long seenTo = -1;

    Walk(
        Arith<V> arith,
        TensorMerge tensor,
        BlockReader reader,
        boolean checkFinite,
        boolean ofSides) {
      this.arith = arith;
      this.tensor = tensor;
      this.reader = reader;
      this.checkFinite = checkFinite;
      this.base = arith.vector();
      this.inputs = arith.vectors(tensor.inputs().size());
      this.sides = arith.vectors(tensor.sides().size());
      this.from = ofSides ? inputs.length : BASE;
      this.columns = new double[tensor.sides().size()][];
      this.chunk = new Chunk<>(tensor.base() == null ? null : base, inputs, sides);
    }

    void over(
        Span span,
        Optional<Rows<V>> rows,
        BiConsumer<Chunk<V>, Integer> eachChunk,
        BlockEnd eachBlock) {
      for (int s = 0; s < columns.length; s++) {
        if (isByColumn(inputs.length + s)) {
          readColumns(s, tensor.sides().get(s).spec(), span.first() == 0);
        }
      }
      long end = span.first() + span.count();
      for (long first = span.first(); first < end; first += blockElements) {
        int count = (int) Math.min(blockElements, end - first);
        if (rows.isPresent()) {
          lookAhead(rows.get(), first, count);
        }
        chunks(first, count, reader, eachChunk);
        eachBlock.at(first, count);
      }
    }

    private void chunks(
        long first, int count, BlockReader source, BiConsumer<Chunk<V>, Integer> eachChunk) {
      readBlock(first, count, source);
      for (int at = 0; at < count; at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, count - at);
        decode(first + at, at, n);
        eachChunk.accept(chunk.at(first + at, n), at);
      }
    }

    /** Shows the rows of a block, unless it ends in the row that was shown last. */
    private void lookAhead(Rows<V> rows, long first, int count) {
      int row = row();
      long begin = first / row * row;
      long end = (first + count + row - 1) / row * row;
      if (begin == seenFrom && end == seenTo) {
        return;
      }
      rows.begin(begin, Math.toIntExact(end - begin), row);
      for (long at = begin; at < end; at += blockElements) {
        int n = (int) Math.min(blockElements, end - at);
        chunks(at, n, reader::readAhead, (c, offset) -> rows.see(c));
      }
      rows.end();
      seenFrom = begin;
      seenTo = end;
    }

    private int row() {
      List<Long> dims = tensor.output().shape().dims();
      long row = dims.isEmpty() ? 1 : dims.get(dims.size() - 1);
      if (row > LONGEST_ROW) {
        throw WeightloomException.input(
            "Cannot merge %s: a row has %d elements, and this method treats rows of at most %d as a"
                    .formatted(tensor.output().name(), row, LONGEST_ROW)
                + " whole (use a method that works element by element)");
      }
      return (int) row;
    }

    private void readBlock(long first, int count, BlockReader source) {
      for (int i = from; i < inputs.length + sides.length; i++) {
        TensorSpec spec = spec(i);
        if (spec != null && !isByColumn(i)) {
          int width = spec.dtype().bytes();
          source.read(i, first * width, block(i + 1, blockElements * width), count * width);
        }
      }
    }

    private void decode(long first, int at, int n) {
      for (int i = from; i < inputs.length + sides.length; i++) {
        TensorSpec spec = spec(i);
        if (spec != null && isByColumn(i)) {
          spread(i - inputs.length, first, n);
        } else if (spec != null) {
          V values = values(i);
          arith.decode(spec.dtype(), blocks[i + 1], at * spec.dtype().bytes(), values, n);
          if (i >= inputs.length) {
            requireAllowed(tensor.sides().get(i - inputs.length), values, first, n);
          } else if (checkFinite) {
            requireFinite(i, spec, values, first, n);
          }
        }
      }
    }

    private boolean isByColumn(int input) {
      return input >= inputs.length
          && tensor.sides().get(input - inputs.length).layout() == SideTable.Layout.COLUMNS;
    }

    /** Whole; the span where the tensor begins reads them, the others read them again. */
    private void readColumns(int side, TensorSpec spec, boolean isFirst) {
      int count = Math.toIntExact(spec.elements());
      int width = spec.dtype().bytes();
      byte[] bytes = new byte[Math.multiplyExact(count, width)];
      if (isFirst) {
        reader.read(inputs.length + side, 0, bytes, bytes.length);
      } else {
        reader.readAhead(inputs.length + side, 0, bytes, bytes.length);
      }
      double[] all = new double[count];
      V part = sides[side];
      for (int at = 0; at < count; at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, count - at);
        arith.decode(spec.dtype(), bytes, at * width, part, n);
        requireAllowed(tensor.sides().get(side), part, at, n);
        arith.widen(part, all, at, n);
      }
      columns[side] = all;
    }

    /** Lays the columns' values beside the elements of a chunk. */
    private void spread(int side, long first, int n) {
      double[] all = java.util.Objects.requireNonNull(columns[side]);
      int column = (int) (first % all.length);
      for (int at = 0; at < n; ) {
        int run = Math.min(n - at, all.length - column);
        System.arraycopy(all, column, tile, at, run);
        at += run;
        column = 0;
      }
      arith.narrow(tile, sides[side], n);
    }

    private V values(int input) {
      if (input == BASE) {
        return base;
      }
      return input < inputs.length ? inputs[input] : sides[input - inputs.length];
    }

    private @org.jspecify.annotations.Nullable TensorSpec spec(int input) {
      if (input == BASE) {
        return tensor.base();
      }
      return input < inputs.length
          ? tensor.inputs().get(input).spec()
          : tensor.sides().get(input - inputs.length).spec();
    }

    /** Of what a user computed elsewhere every value is looked at, every time. */
    private void requireAllowed(TensorMerge.Side side, V values, long first, int n) {
      int bad = arith.firstNonFinite(values, n);
      if (bad < 0 && arith.least(values, n) < side.least()) {
        bad = 0;
        while (arith.at(values, bad) >= side.least()) {
          bad++;
        }
      }
      if (bad >= 0) {
        throw WeightloomException.input(
            "Cannot merge %s: %s holds %s at element %d of %s, %s (compute the table again)"
                .formatted(
                    tensor.output().name(),
                    side.table(),
                    arith.at(values, bad),
                    first + bad,
                    side.spec().name(),
                    side.least() == 0
                        ? "and none may be negative or not finite"
                        : "and every value must be finite"));
      }
    }

    private void requireFinite(int input, TensorSpec spec, V values, long first, int n) {
      int bad = arith.firstNonFinite(values, n);
      if (bad >= 0) {
        throw notFinite(tensor, input, spec, arith.at(values, bad), first + bad);
      }
    }
  }

  static WeightloomException notFinite(
      TensorMerge tensor, int input, TensorSpec spec, double value, long element) {
    String model = input == BASE ? "the base model" : tensor.inputs().get(input).model();
    return WeightloomException.input(
        "Cannot merge %s: %s holds %s at element %d of %s (mend the model, or set weightloom:"
                .formatted(tensor.output().name(), model, value, element, spec.name())
            + " {non_finite: keep} to merge it as it is)");
  }
}
