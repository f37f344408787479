package io.weightloom.merge;

import io.weightloom.merge.MergeState.Emitter;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.SpanRunner.BlockWriter;
import io.weightloom.merge.SpanRunner.Emitted;
import io.weightloom.merge.SpanRunner.Emitting;
import io.weightloom.tensor.DType;
import java.util.Optional;

/**
 * An emission's lane: encodes what the method computes and passes it on, block by block.
 *
 * @param <V> the work vector
 */
final class EmitLane<V> extends Lane<V> {
  private final Emitter<V> emitter;
  private final Optional<Rows<V>> rows;
  private final BlockWriter writer;
  private final DType dtype;
  private final V out;

  EmitLane(Arith<V> arith, Emitting emitting, BlockBuffers buffers) {
    super(
        arith,
        emitting.feed(),
        buffers,
        emitting.feed().span().first() + emitting.feed().span().count(),
        false);
    this.emitter = emitting.state().emitter(arith, feed.span());
    this.rows = emitter.rows();
    this.writer = emitting.writer();
    this.dtype = tensor.output().dtype();
    this.out = arith.vector();
  }

  @Override
  Optional<Rows<V>> rows() {
    return rows;
  }

  @Override
  void see(Chunk<V> seen, int at) {
    emitter.emit(seen, out);
    arith.encode(dtype, out, seen.length(), buffers.output(dtype.bytes()), at * dtype.bytes());
  }

  @Override
  void endBlock(long first, int count) {
    writer.write(first * dtype.bytes(), buffers.output(dtype.bytes()), count * dtype.bytes());
  }

  Emitted emitted() {
    Optional<Part> part = emitter.found().map(found -> new Part(feed.span(), found));
    return new Emitted(emitter.counts(), part);
  }
}
