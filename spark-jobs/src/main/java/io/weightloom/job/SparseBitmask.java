package io.weightloom.job;

import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A matrix as the format {@code sparse-bitmask} of compressed-tensors holds it: four tensors in the
 * place of {@code P.weight}.
 *
 * <table>
 *   <caption>of a matrix of R rows and C columns with Z elements that are not 0</caption>
 *   <tr><td>{@code P.compressed}</td><td>[Z] of the matrix' dtype: these elements, row by row</td></tr>
 *   <tr><td>{@code P.bitmask}</td><td>U8 [R, ⌈C/8⌉]: 1 where one is, column c in bit c mod 8 of byte c/8
 *       of its row, as numpy's {@code packbits(bitorder="little")} has it</td></tr>
 *   <tr><td>{@code P.row_offsets}</td><td>I64 [R]: the first element of each row in compressed</td></tr>
 *   <tr><td>{@code P.shape}</td><td>I64 [2]: R and C</td></tr>
 * </table>
 *
 * <p>Both zeros count as 0, so that −0 comes back as +0.
 *
 * @param dense the matrix
 * @param values Z
 */
record SparseBitmask(TensorSpec dense, long values) {
  private static final String SUFFIX = ".weight";

  /** Whether the format has a place for a tensor: a matrix that is a layer's weight. */
  static boolean takes(TensorSpec tensor) {
    return tensor.name().endsWith(SUFFIX)
        && tensor.shape().rank() == 2
        && tensor.dtype().isComputed()
        && tensor.elements() > 0;
  }

  /** The name of the layer that the matrix is the weight of. */
  String module() {
    return dense.name().substring(0, dense.name().length() - SUFFIX.length());
  }

  long rows() {
    return dense.shape().dims().get(0);
  }

  static int columns(TensorSpec dense) {
    return Math.toIntExact(dense.shape().dims().get(1));
  }

  /** Bytes of the bits of a row. */
  static int bitBytes(TensorSpec dense) {
    return (columns(dense) + 7) / 8;
  }

  TensorSpec compressed() {
    return new TensorSpec(module() + ".compressed", dense.dtype(), Shape.of(values));
  }

  TensorSpec bitmask() {
    return new TensorSpec(module() + ".bitmask", DType.U8, Shape.of(rows(), bitBytes(dense)));
  }

  TensorSpec rowOffsets() {
    return new TensorSpec(module() + ".row_offsets", DType.I64, Shape.of(rows()));
  }

  TensorSpec shape() {
    return new TensorSpec(module() + ".shape", DType.I64, Shape.of(2));
  }

  /** What stands in the file for the matrix. */
  List<TensorSpec> parts() {
    return List.of(compressed(), bitmask(), rowOffsets(), shape());
  }

  /** The data of {@link #shape}. */
  byte[] shapeData() {
    return longs(rows(), columns(dense));
  }

  /**
   * Some whole rows, packed.
   *
   * @param compressed their elements that are not 0
   * @param bitmask their bits
   * @param rowOffsets where their rows begin, the first at the number that was given
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared; the bytes go straight to a file
  record Packed(byte[] compressed, byte[] bitmask, byte[] rowOffsets) {}

  /**
   * Packs rows.
   *
   * @param dense the matrix that they are of
   * @param data of whole rows; borrowed
   * @param first how many elements that are not 0 stand before them
   */
  static Packed pack(TensorSpec dense, byte[] data, long first) {
    int width = dense.dtype().bytes();
    int columns = columns(dense);
    int rows = data.length / (columns * width);
    byte[] values = new byte[count(dense, data) * width];
    byte[] bits = new byte[rows * bitBytes(dense)];
    long[] offsets = new long[rows];
    int filled = 0;
    for (int r = 0; r < rows; r++) {
      offsets[r] = first + filled / width;
      for (int c = 0; c < columns; c++) {
        int at = (r * columns + c) * width;
        if (!isZero(data, at, width)) {
          System.arraycopy(data, at, values, filled, width);
          filled += width;
          bits[r * bitBytes(dense) + c / 8] |= (byte) (1 << c % 8);
        }
      }
    }
    return new Packed(values, bits, longs(offsets));
  }

  /** How many elements are not 0. */
  static int count(TensorSpec dense, byte[] data) {
    int width = dense.dtype().bytes();
    int count = 0;
    for (int at = 0; at < data.length; at += width) {
      count += isZero(data, at, width) ? 0 : 1;
    }
    return count;
  }

  /**
   * Whether of each four elements of a row at most two are not 0.
   *
   * @param data of whole rows; borrowed
   */
  static boolean isTwoOfFour(TensorSpec dense, byte[] data) {
    int width = dense.dtype().bytes();
    if (columns(dense) % 4 != 0) {
      return false;
    }
    for (int group = 0; group < data.length; group += 4 * width) {
      int left = 0;
      for (int at = group; at < group + 4 * width; at += width) {
        left += isZero(data, at, width) ? 0 : 1;
      }
      if (left > 2) {
        return false;
      }
    }
    return true;
  }

  /** Little-endian: the sign is the highest bit of the last byte. */
  private static boolean isZero(byte[] data, int at, int width) {
    int any = data[at + width - 1] & 0x7f;
    for (int i = at; i < at + width - 1; i++) {
      any |= data[i];
    }
    return any == 0;
  }

  private static byte[] longs(long... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return bytes.array();
  }
}
