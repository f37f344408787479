package io.weightloom.merge;

import io.weightloom.tensor.DType;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A tensor's data as a checkpoint stores it, converted without any code of the product. */
public final class Stored {
  private final DType dtype;
  private final byte[] bytes;

  public Stored(DType dtype, byte[] bytes) {
    this.dtype = dtype;
    this.bytes = bytes;
  }

  /** Rounds each value to the nearest of the type. */
  public static Stored of(DType dtype, double... values) {
    return new Stored(dtype, TinyCheckpoint.encode(dtype.name(), values));
  }

  public DType dtype() {
    return dtype;
  }

  public byte[] bytes() {
    return bytes;
  }

  public int count() {
    return bytes.length / dtype.bytes();
  }

  public double[] values() {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    double[] values = new double[count()];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (dtype) {
            case F64 -> in.getDouble(8 * i);
            case F32 -> in.getFloat(4 * i);
            case BF16 -> Float.intBitsToFloat(in.getShort(2 * i) << 16);
            case F16 -> half(in.getShort(2 * i));
            default -> throw new IllegalStateException("no decoder for " + dtype);
          };
    }
    return values;
  }

  /** By the definition of IEEE binary16. */
  private static double half(short bits) {
    int exponent = (bits >>> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude =
        switch (exponent) {
          case 0 -> Math.scalb((double) fraction, -24);
          case 31 -> fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
          default -> Math.scalb(1024.0 + fraction, exponent - 25);
        };
    return bits < 0 ? -magnitude : magnitude;
  }
}
