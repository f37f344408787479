package io.weightloom.merge.span;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import java.util.Arrays;

/**
 * Numbers known of each vector, laid out over the elements of a chunk.
 *
 * <p>Keeps its buffers; belongs to one thread.
 */
public final class Spread {
  private final Layout layout;
  private final double[] known;
  private final int width;
  private final double[][] buffers;

  Spread(Layout layout, double[] known) {
    this.layout = layout;
    this.known = known;
    this.width = known.length / layout.vectors();
    this.buffers = new double[width][];
  }

  /** How many numbers are known of each vector. */
  public int width() {
    return width;
  }

  /** The numbers known of the only vector of a tensor. */
  public double[] whole() {
    if (!layout.isWhole()) {
      throw new IllegalStateException(layout + " has many vectors");
    }
    return known;
  }

  /**
   * The {@code which}-th number of the vector that each element belongs to; kept until the next
   * call.
   */
  public double[] over(Chunk<?> chunk, int which) {
    if (buffers[which] == null) {
      buffers[which] = new double[Arith.CAPACITY];
      Arrays.fill(buffers[which], known[which]);
    }
    double[] buffer = buffers[which];
    if (layout.isWhole()) {
      return buffer;
    }
    if (layout.interleaved()) {
      int vector = layout.vector(chunk.first());
      for (int i = 0; i < chunk.length(); i++) {
        buffer[i] = known[vector * width + which];
        vector = vector + 1 == layout.vectors() ? 0 : vector + 1;
      }
      return buffer;
    }
    for (int from = 0; from < chunk.length(); ) {
      int row = layout.vector(chunk.first() + from);
      int to = (int) Math.min(chunk.length(), (row + 1) * layout.length() - chunk.first());
      Arrays.fill(buffer, from, to, known[row * width + which]);
      from = to;
    }
    return buffer;
  }
}
