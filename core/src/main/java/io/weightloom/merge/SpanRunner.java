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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Walks a span of a tensor: reads a block of the base and of every model, decodes it chunk by
 * chunk, hands the chunks to a method, and on an emission encodes and passes on what comes back.
 * Several merges may be fed by one read. Memory is one block a model and one for the output,
 * whatever the size of the tensor.
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
   * What a merge sees of a read.
   *
   * @param tensor the tensor of the merge
   * @param span where; all that take part in a read have the same elements, whatever the place of
   *     their tensor in its scope
   * @param sources the reader's number of the base, then of each model and each side table's tensor
   * @param checkFinite whether a NaN or an infinity is an error; once a tensor is enough
   */
  public record Feed(TensorMerge tensor, Span span, int[] sources, boolean checkFinite) {

    /** Of a merge that reads alone: the reader's numbers are the merge's own. */
    public static Feed alone(TensorMerge tensor, Span span, boolean checkFinite) {
      int[] sources = new int[1 + tensor.inputs().size() + tensor.sides().size()];
      Arrays.setAll(sources, i -> i + BASE);
      return new Feed(tensor, span, sources, checkFinite);
    }
  }

  /**
   * A survey that takes part in a read.
   *
   * @param survey what looks
   * @param feed at what
   */
  public record Surveying(Survey survey, Feed feed) {}

  /**
   * An emission that takes part in a read.
   *
   * @param state what computes
   * @param feed what from
   * @param writer takes the outputs
   */
  public record Emitting(MergeState state, Feed feed, BlockWriter writer) {}

  /**
   * One read of a span.
   *
   * @param checkFinite whether a NaN or an infinity is an error; once a tensor is enough
   */
  public Part survey(
      Survey survey, TensorMerge tensor, Span span, BlockReader reader, boolean checkFinite) {
    return survey(List.of(new Surveying(survey, Feed.alone(tensor, span, checkFinite))), reader)
        .get(0);
  }

  /** One read of a span for several surveys: each block of each source is read once. */
  public List<Part> survey(List<Surveying> surveys, BlockReader reader) {
    List<SurveyLane<?>> lanes = new ArrayList<>();
    for (Surveying s : surveys) {
      lanes.add(
          s.feed().tensor().isDouble()
              ? new SurveyLane<>(new DoubleArith(kernels), s)
              : new SurveyLane<>(floatArith(s.feed().tensor()), s));
    }
    walk(lanes, reader);
    return lanes.stream().map(SurveyLane::part).toList();
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
    return emit(List.of(new Emitting(state, Feed.alone(tensor, span, checkFinite), writer)), reader)
        .get(0);
  }

  /** The outputs of several merges of a span: each block of each source is read once. */
  public List<Map<String, long[]>> emit(List<Emitting> emissions, BlockReader reader) {
    List<EmitLane<?>> lanes = new ArrayList<>();
    for (Emitting e : emissions) {
      lanes.add(
          e.feed().tensor().isDouble()
              ? new EmitLane<>(new DoubleArith(kernels), e)
              : new EmitLane<>(floatArith(e.feed().tensor()), e));
    }
    walk(lanes, reader);
    return lanes.stream().map(EmitLane::counts).toList();
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

  /**
   * A source of a read.
   *
   * @param number the reader's
   * @param width bytes of an element
   * @param until behind the last element that anyone wants of it
   * @param ahead whether its rows are looked at before they are read in their turn
   */
  private record Source(int number, int width, long until, boolean ahead) {
    Source and(Source other) {
      return new Source(number, width, Math.max(until, other.until), ahead || other.ahead);
    }
  }

  /** The loop over blocks: each is read once, then every lane goes through it. */
  private void walk(List<? extends Lane<?>> lanes, BlockReader reader) {
    Map<Integer, Source> sources = new LinkedHashMap<>();
    lanes.forEach(lane -> lane.addSources(sources));
    List<Source> each = List.copyOf(sources.values());
    lanes.forEach(lane -> lane.readColumns(reader));
    boolean anyRows = lanes.stream().anyMatch(Lane::hasRows);
    Ahead ahead = new Ahead();
    long end = lanes.stream().mapToLong(lane -> lane.end).max().orElseThrow();
    for (long first = lanes.get(0).feed.span().first(); first < end; first += blockElements) {
      int count = (int) Math.min(blockElements, end - first);
      if (anyRows) {
        ahead.look(lanes, each, reader, first, count);
      }
      for (Source s : each) {
        if (first < s.until()) {
          byte[] into = block(s.number() + 1, blockElements * s.width());
          reader.read(s.number(), first * s.width(), into, count * s.width());
        }
      }
      for (Lane<?> lane : lanes) {
        // A sample ends with a grain, and a grain with a block.
        if (first < lane.end) {
          lane.block(first, count);
        }
      }
    }
  }

  /** Shows the rows of a block, unless it ends in the row that was shown last. */
  private final class Ahead {
    private long seenFrom = -1;
    private long seenTo = -1;

    void look(
        List<? extends Lane<?>> lanes,
        List<Source> sources,
        BlockReader reader,
        long first,
        int count) {
      int row = row(lanes.get(0).tensor);
      long begin = first / row * row;
      long end = (first + count + row - 1) / row * row;
      if (begin == seenFrom && end == seenTo) {
        return;
      }
      lanes.forEach(lane -> lane.beginRows(begin, Math.toIntExact(end - begin), row));
      for (long at = begin; at < end; at += blockElements) {
        int n = (int) Math.min(blockElements, end - at);
        for (Source s : sources) {
          if (s.ahead()) {
            byte[] into = block(s.number() + 1, blockElements * s.width());
            reader.readAhead(s.number(), at * s.width(), into, n * s.width());
          }
        }
        for (Lane<?> lane : lanes) {
          lane.lookAhead(at, n);
        }
      }
      lanes.forEach(Lane::endRows);
      seenFrom = begin;
      seenTo = end;
    }

    private int row(TensorMerge tensor) {
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
  }

  /** One merge's way through the blocks, chunk by chunk. */
  private abstract class Lane<V> {
    final Arith<V> arith;
    final Feed feed;
    final TensorMerge tensor;
    final long end;
    private final V base;
    private final V[] inputs;
    private final V[] sides;
    private final int from;
    private final Chunk<V> chunk;
    private final double[] @Nullable [] columns;
    private final double[] tile;

    /** What wants to see whole rows first; set once, for it has a memory. */
    Optional<Rows<V>> rows = Optional.empty();

    Lane(Arith<V> arith, Feed feed, long end, boolean ofSides) {
      this.arith = arith;
      this.feed = feed;
      this.tensor = feed.tensor();
      this.end = end;
      this.base = arith.vector();
      this.inputs = arith.vectors(tensor.inputs().size());
      this.sides = arith.vectors(tensor.sides().size());
      this.from = ofSides ? inputs.length : BASE;
      this.chunk = new Chunk<>(tensor.base() == null ? null : base, inputs, sides);
      this.columns = new double[sides.length][];
      boolean hasColumns =
          tensor.sides().stream().anyMatch(s -> s.layout() == SideTable.Layout.COLUMNS);
      this.tile = new double[hasColumns ? Arith.CAPACITY : 0];
    }

    abstract void see(Chunk<V> seen, int at);

    /** After the last chunk of a block. */
    void endBlock(long first, int count) {}

    boolean hasRows() {
      return rows.isPresent();
    }

    void addSources(Map<Integer, Source> sources) {
      for (int i = from; i < inputs.length + sides.length; i++) {
        TensorSpec spec = spec(i);
        if (spec != null && !isByColumn(i)) {
          int number = feed.sources()[i + 1];
          sources.merge(
              number, new Source(number, spec.dtype().bytes(), end, hasRows()), Source::and);
        }
      }
    }

    void block(long first, int count) {
      for (int at = 0; at < count; at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, count - at);
        decode(first + at, at, n);
        see(chunk.at(first + at, n), at);
      }
      endBlock(first, count);
    }

    void beginRows(long begin, int count, int row) {
      rows.ifPresent(r -> r.begin(begin, count, row));
    }

    void endRows() {
      rows.ifPresent(Rows::end);
    }

    void lookAhead(long first, int count) {
      for (int at = 0; hasRows() && at < count; at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, count - at);
        decode(first + at, at, n);
        rows.orElseThrow().see(chunk.at(first + at, n));
      }
    }

    private void decode(long first, int at, int n) {
      for (int i = from; i < inputs.length + sides.length; i++) {
        TensorSpec spec = spec(i);
        if (spec != null && isByColumn(i)) {
          spread(i - inputs.length, first, n);
        } else if (spec != null) {
          V values = values(i);
          byte[] block = blocks[feed.sources()[i + 1] + 1];
          arith.decode(spec.dtype(), block, at * spec.dtype().bytes(), values, n);
          if (i >= inputs.length) {
            requireAllowed(tensor.sides().get(i - inputs.length), values, first, n);
          } else if (feed.checkFinite()) {
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
    void readColumns(BlockReader reader) {
      for (int i = inputs.length; i < inputs.length + sides.length; i++) {
        if (isByColumn(i)) {
          columns[i - inputs.length] =
              readColumns(i - inputs.length, feed.sources()[i + 1], reader);
        }
      }
    }

    private double[] readColumns(int side, int source, BlockReader reader) {
      TensorSpec spec = tensor.sides().get(side).spec();
      int count = Math.toIntExact(spec.elements());
      int width = spec.dtype().bytes();
      byte[] bytes = new byte[Math.multiplyExact(count, width)];
      if (feed.span().first() == 0) {
        reader.read(source, 0, bytes, bytes.length);
      } else {
        reader.readAhead(source, 0, bytes, bytes.length);
      }
      double[] all = new double[count];
      V part = sides[side];
      for (int at = 0; at < count; at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, count - at);
        arith.decode(spec.dtype(), bytes, at * width, part, n);
        requireAllowed(tensor.sides().get(side), part, at, n);
        arith.widen(part, all, at, n);
      }
      return all;
    }

    /** Lays the columns' values beside the elements of a chunk. */
    private void spread(int side, long first, int n) {
      double[] all = Objects.requireNonNull(columns[side]);
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

    private @Nullable TensorSpec spec(int input) {
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

  /** A survey's lane. */
  private final class SurveyLane<V> extends Lane<V> {
    private final Surveyor<V> surveyor;

    SurveyLane(Arith<V> arith, Surveying surveying) {
      super(
          arith,
          surveying.feed(),
          end(surveying.survey(), surveying.feed().span()),
          surveying.survey().isOfSides());
      this.surveyor = surveying.survey().surveyor(arith, surveying.feed().span());
      this.rows = surveyor.rows();
    }

    private static long end(Survey survey, Span span) {
      return span.first()
          + (survey.isPartial() ? Math.min(span.count(), Span.GRAIN) : span.count());
    }

    @Override
    void see(Chunk<V> seen, int at) {
      surveyor.see(seen);
    }

    Part part() {
      return new Part(feed.span(), surveyor.found());
    }
  }

  /** An emission's lane. The output block is every lane's in its turn. */
  private final class EmitLane<V> extends Lane<V> {
    private final Emitter<V> emitter;
    private final BlockWriter writer;
    private final DType dtype;
    private final V out;

    EmitLane(Arith<V> arith, Emitting emitting) {
      super(
          arith,
          emitting.feed(),
          emitting.feed().span().first() + emitting.feed().span().count(),
          false);
      this.emitter = emitting.state().emitter(arith, emitting.feed().span());
      this.writer = emitting.writer();
      this.dtype = tensor.output().dtype();
      this.out = arith.vector();
      this.rows = emitter.rows();
      if (output.length < blockElements * dtype.bytes()) {
        output = new byte[blockElements * dtype.bytes()];
      }
    }

    @Override
    void see(Chunk<V> seen, int at) {
      emitter.emit(seen, out);
      arith.encode(dtype, out, seen.length(), output, at * dtype.bytes());
    }

    @Override
    void endBlock(long first, int count) {
      writer.write(first * dtype.bytes(), output, count * dtype.bytes());
    }

    Map<String, long[]> counts() {
      return emitter.counts();
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
