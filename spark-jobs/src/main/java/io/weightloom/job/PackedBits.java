package io.weightloom.job;

import io.weightloom.io.ByteSource;
import io.weightloom.merge.SpanRunner.BlockWriter;

/**
 * Masks in files: eight elements to a byte, the first in the highest place, zeros behind the last
 * (as numpy's {@code packbits} has it). A merge that reads one sees the BF16 numbers 0 and 1.
 */
final class PackedBits {
  private static final int WIDTH = 2;
  private static final byte ONE_HIGH = 0x3f;
  private static final byte ONE_LOW = (byte) 0x80;

  private PackedBits() {}

  /**
   * Reads a part of a mask as BF16 numbers.
   *
   * @param begin first byte of the mask in its file
   * @param offset first byte of the numbers; its element begins a byte of the mask
   * @param n bytes of numbers
   */
  static void read(ByteSource source, long begin, long offset, byte[] into, int n) {
    int elements = n / WIDTH;
    byte[] packed = new byte[(elements + 7) / 8];
    source.readFully(begin + offset / WIDTH / 8, packed, 0, packed.length);
    for (int i = 0; i < elements; i++) {
      boolean set = (packed[i >> 3] >> (7 - (i & 7)) & 1) != 0;
      into[WIDTH * i] = set ? ONE_LOW : 0;
      into[WIDTH * i + 1] = set ? ONE_HIGH : 0;
    }
  }

  /** Which bit of a byte is its first element's. */
  enum Order {
    HIGHEST_FIRST,
    LOWEST_FIRST
  }

  /**
   * Packs blocks of numbers that follow on each other: a bit for each that is not 0.
   *
   * @param width bytes of a number
   * @param first the first element; it begins a byte
   * @param end the element behind the tensor's last one
   */
  static BlockWriter packing(Order order, int width, long first, long end, BlockWriter writer) {
    return new Packing(order, width, first, end, writer);
  }

  /** Blocks may end within a byte, as rows of a matrix do. */
  private static final class Packing implements BlockWriter {
    private final Order order;
    private final int width;
    private final BlockWriter writer;
    private long left;
    private long at;
    private int open;
    private int bits;

    Packing(Order order, int width, long first, long end, BlockWriter writer) {
      this.order = order;
      this.width = width;
      this.writer = writer;
      this.left = end - first;
      this.at = first / Byte.SIZE;
    }

    @Override
    public void write(long offset, byte[] block, int length) {
      byte[] packed = new byte[length / width / Byte.SIZE + 1];
      int n = 0;
      for (int from = 0; from < length; from += width) {
        if (isSet(block, from)) {
          bits |= order == Order.LOWEST_FIRST ? 1 << open : 0x80 >> open;
        }
        left--;
        if (++open == Byte.SIZE || left == 0) {
          packed[n++] = (byte) bits;
          open = 0;
          bits = 0;
        }
      }
      writer.write(at, packed, n);
      at += n;
    }

    private boolean isSet(byte[] block, int from) {
      boolean set = false;
      for (int b = from; b < from + width; b++) {
        set |= block[b] != 0;
      }
      return set;
    }
  }
}
