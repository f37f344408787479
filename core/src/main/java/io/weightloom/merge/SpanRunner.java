package io.weightloom.merge;

import io.weightloom.kernel.Kernels;
import io.weightloom.merge.MergeState.Emitter;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
  private final BlockBuffers buffers;

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
    this.buffers = new BlockBuffers(blockElements);
  }

  /** Elements of a block. */
  public int blockElements() {
    return buffers.elements();
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
   * What came of an emission beside its outputs.
   *
   * @param counts as {@link Emitter#counts} has them
   * @param part as {@link Emitter#found} has it
   */
  public record Emitted(Map<String, long[]> counts, Optional<Part> part) {}

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
              ? new SurveyLane<>(new DoubleArith(kernels), s, buffers)
              : new SurveyLane<>(floatArith(s.feed().tensor()), s, buffers));
    }
    walk(lanes, reader);
    return lanes.stream().map(SurveyLane::part).toList();
  }

  /** Computes and writes the outputs of a span. */
  public Emitted emit(
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
  public List<Emitted> emit(List<Emitting> emissions, BlockReader reader) {
    List<EmitLane<?>> lanes = new ArrayList<>();
    for (Emitting e : emissions) {
      lanes.add(
          e.feed().tensor().isDouble()
              ? new EmitLane<>(new DoubleArith(kernels), e, buffers)
              : new EmitLane<>(floatArith(e.feed().tensor()), e, buffers));
    }
    walk(lanes, reader);
    return lanes.stream().map(EmitLane::emitted).toList();
  }

  private FloatArith floatArith(TensorMerge tensor) {
    return tensor.numerics() == Numerics.MERGEKIT
        ? FloatArith.rounding(kernels, tensor.compute())
        : FloatArith.accurate(kernels, tensor.output().dtype() == DType.F32);
  }

  /** The loop over blocks: each is read once, then every lane goes through it. */
  private void walk(List<? extends Lane<?>> lanes, BlockReader reader) {
    Map<Integer, Lane.Source> sources = new LinkedHashMap<>();
    lanes.forEach(lane -> lane.addSources(sources));
    List<Lane.Source> each = List.copyOf(sources.values());
    lanes.forEach(lane -> lane.readColumns(reader));
    RowsAhead ahead = new RowsAhead(reader, buffers);
    int blockElements = buffers.elements();
    long end = lanes.stream().mapToLong(Lane::end).max().orElseThrow();
    for (long first = lanes.get(0).feed.span().first(); first < end; first += blockElements) {
      int count = (int) Math.min(blockElements, end - first);
      long from = first;
      // A sample ends with a grain, and a grain with a block.
      List<? extends Lane<?>> going = lanes.stream().filter(lane -> from < lane.end()).toList();
      List<Lane.Source> wanted = each.stream().filter(s -> from < s.until()).toList();
      boolean isRead =
          going.stream().anyMatch(Lane::hasRows) && ahead.look(going, wanted, first, count);
      for (Lane.Source s : wanted) {
        if (!(isRead && s.ahead())) {
          byte[] into = buffers.toFill(s.number(), s.width());
          reader.read(s.number(), first * s.width(), into, count * s.width());
        }
      }
      going.forEach(lane -> lane.block(from, count));
    }
  }
}
