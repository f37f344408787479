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

  /**
   * Packs blocks of numbers: a bit for each that is not 0.
   *
   * @param width bytes of a number
   */
  static BlockWriter packing(int width, BlockWriter writer) {
    return (offset, block, n) -> {
      int elements = n / width;
      byte[] packed = new byte[(elements + 7) / 8];
      for (int i = 0; i < elements; i++) {
        for (int b = 0; b < width; b++) {
          if (block[width * i + b] != 0) {
            packed[i >> 3] |= (byte) (0x80 >> (i & 7));
          }
        }
      }
      writer.write(offset / width / 8, packed, packed.length);
    };
  }
}
