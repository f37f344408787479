package io.weightloom.merge;

import java.util.Arrays;

/**
 * The bytes of a block of each source of a read, and of the output. They grow to the widest that
 * was asked for and are kept between spans.
 */
final class BlockBuffers {
  private final int elements;
  private byte[][] sources = new byte[0][];
  private byte[] output = new byte[0];

  /** Buffers of blocks of this many elements. */
  BlockBuffers(int elements) {
    this.elements = elements;
  }

  /** Elements of a block. */
  int elements() {
    return elements;
  }

  /**
   * A source's block, to be filled.
   *
   * @param source the reader's number, {@link SpanRunner#BASE} or more
   * @param width bytes of an element
   */
  byte[] toFill(int source, int width) {
    int index = source + 1;
    if (index >= sources.length) {
      sources = Arrays.copyOf(sources, index + 1);
    }
    if (sources[index] == null || sources[index].length < elements * width) {
      sources[index] = new byte[elements * width];
    }
    return sources[index];
  }

  /** A source's block as it was filled last. */
  byte[] filled(int source) {
    return sources[source + 1];
  }

  /** The output's block, every lane's in its turn, for elements of this many bytes. */
  byte[] output(int width) {
    if (output.length < elements * width) {
      output = new byte[elements * width];
    }
    return output;
  }
}
