package io.weightloom.io.table;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdException;
import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The packed form of a block, encoding {@value #ENCODING}: the bytes of all words by their place in
 * the word, the planes, each compressed on its own by zstd or kept as it is.
 *
 * <p>Of weights only sign and exponent can be compressed, the mantissa is noise. In BF16, F32 and
 * F64 the exponent lies across two bytes, behind the sign: a word of a floating-point type is
 * rotated left by one bit first, so that the highest plane holds exponents (of F64, its upper eight
 * bits) and the sign joins the mantissa.
 *
 * <p>Little-endian: a byte 1, the version; the bytes of a word, 1, 2, 4 or 8; a byte 1 if words
 * were rotated, else 0; a byte 0; for each plane, lowest first, its stored length in 4 bytes; the
 * planes. A plane whose stored length is the number of words is kept as it is, any other is a zstd
 * frame. For one thread.
 */
public final class PackedBlock implements AutoCloseable {
  /** The name of this form in the column {@code encoding}. */
  public static final String ENCODING = "zstd-planes";

  /** The name of blocks that are not packed. */
  public static final String RAW = "raw";

  private static final int VERSION = 1;
  private static final int LEVEL = 1;
  private static final VarHandle SHORTS = view(short[].class);
  private static final VarHandle INTS = view(int[].class);
  private static final VarHandle LONGS = view(long[].class);

  private final ZstdCompressCtx zstd = new ZstdCompressCtx();
  private byte[] planes = new byte[0];

  /** A packer; its owner closes it. */
  public PackedBlock() {
    zstd.setLevel(LEVEL).setContentSize(false).setChecksum(false);
  }

  private static VarHandle view(Class<?> array) {
    return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.LITTLE_ENDIAN);
  }

  private static int width(DType dtype) {
    return Math.max(1, dtype.bits() / 8);
  }

  /** Whether a word's highest bit is a sign that stands before an exponent. */
  private static boolean rotates(DType dtype) {
    return dtype.isComputed();
  }

  /**
   * Packs a block.
   *
   * @param raw its bytes are the first {@code length}; borrowed
   * @return the packed form, given to the caller; null if it would be no smaller
   */
  public byte @Nullable [] pack(DType dtype, byte[] raw, int length) {
    int width = width(dtype);
    if (length == 0 || length % width != 0) {
      return null;
    }
    if (planes.length < length) {
      planes = new byte[length];
    }
    split(width, rotates(dtype), raw, length, planes);
    int words = length / width;
    int header = 4 + 4 * width;
    byte[] out = new byte[header + width * (int) Zstd.compressBound(words)];
    ByteBuffer head = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
    head.put((byte) VERSION).put((byte) width).put((byte) (rotates(dtype) ? 1 : 0)).put((byte) 0);
    int at = header;
    for (int p = 0; p < width; p++) {
      int stored = zstd.compressByteArray(out, at, out.length - at, planes, p * words, words);
      if (stored >= words) {
        System.arraycopy(planes, p * words, out, at, words);
        stored = words;
      }
      head.putInt(stored);
      at += stored;
    }
    return at < length ? Arrays.copyOf(out, at) : null;
  }

  private static void split(int width, boolean rotate, byte[] raw, int length, byte[] planes) {
    int n = length / width;
    int left = rotate ? 1 : 0;
    switch (width) {
      case 1 -> System.arraycopy(raw, 0, planes, 0, n);
      case 2 -> {
        for (int i = 0; i < n; i++) {
          int w = (short) SHORTS.get(raw, 2 * i) & 0xffff;
          w = (w << left) | (w >>> (16 - left));
          planes[i] = (byte) w;
          planes[n + i] = (byte) (w >>> 8);
        }
      }
      case 4 -> {
        for (int i = 0; i < n; i++) {
          int w = Integer.rotateLeft((int) INTS.get(raw, 4 * i), left);
          planes[i] = (byte) w;
          planes[n + i] = (byte) (w >>> 8);
          planes[2 * n + i] = (byte) (w >>> 16);
          planes[3 * n + i] = (byte) (w >>> 24);
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          long w = Long.rotateLeft((long) LONGS.get(raw, 8 * i), left);
          for (int p = 0; p < 8; p++) {
            planes[p * n + i] = (byte) (w >>> (8 * p));
          }
        }
      }
    }
  }

  /**
   * Unpacks a block.
   *
   * @param what names the block in errors
   * @param packed the packed form; borrowed
   * @param length the bytes of the block
   * @return the block's bytes, given to the caller
   * @throws WeightloomException of kind INPUT if the packed form is none of so many bytes
   */
  public static byte[] unpack(String what, byte[] packed, int length) {
    ByteBuffer head = ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN);
    int width = packed.length < 8 ? 0 : packed[1];
    boolean known = Integer.bitCount(width) == 1 && width <= 8 && packed[0] == VERSION;
    if (!known || packed.length < 4 + 4 * width || length % width != 0) {
      throw broken(what, "it does not begin as a block of %d bytes does".formatted(length));
    }
    int n = length / width;
    byte[] planes = new byte[length];
    int at = 4 + 4 * width;
    for (int p = 0; p < width; p++) {
      int stored = head.getInt(4 + 4 * p);
      if (stored < 0 || stored > packed.length - at) {
        throw broken(what, "plane %d has %d bytes".formatted(p, stored));
      }
      plane(what, packed, at, stored, planes, p * n, n);
      at += stored;
    }
    if (at != packed.length) {
      throw broken(what, "%d bytes follow the last plane".formatted(packed.length - at));
    }
    byte[] raw = new byte[length];
    join(width, packed[2] == 1, planes, raw);
    return raw;
  }

  private static void plane(
      String what, byte[] packed, int at, int stored, byte[] planes, int to, int n) {
    if (stored == n) {
      System.arraycopy(packed, at, planes, to, n);
      return;
    }
    try {
      long got = Zstd.decompressByteArray(planes, to, n, packed, at, stored);
      if (got != n) {
        throw broken(what, "a plane has %d bytes of %d".formatted(got, n));
      }
    } catch (ZstdException e) {
      throw broken(what, String.valueOf(e.getMessage()));
    }
  }

  private static void join(int width, boolean rotated, byte[] planes, byte[] raw) {
    int n = raw.length / width;
    int right = rotated ? 1 : 0;
    switch (width) {
      case 1 -> System.arraycopy(planes, 0, raw, 0, n);
      case 2 -> {
        for (int i = 0; i < n; i++) {
          int w = (planes[i] & 0xff) | (planes[n + i] & 0xff) << 8;
          SHORTS.set(raw, 2 * i, (short) ((w >>> right) | (w << (16 - right))));
        }
      }
      case 4 -> {
        for (int i = 0; i < n; i++) {
          int low = (planes[i] & 0xff) | (planes[n + i] & 0xff) << 8;
          int high = (planes[2 * n + i] & 0xff) | (planes[3 * n + i] & 0xff) << 8;
          INTS.set(raw, 4 * i, Integer.rotateRight(low | high << 16, right));
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          long w = 0;
          for (int p = 0; p < 8; p++) {
            w |= (planes[p * n + i] & 0xffL) << (8 * p);
          }
          LONGS.set(raw, 8 * i, Long.rotateRight(w, right));
        }
      }
    }
  }

  private static WeightloomException broken(String what, String why) {
    return WeightloomException.input(
        "Cannot unpack %s: %s (the table is corrupt: explode the model again)"
            .formatted(what, why));
  }

  @Override
  public void close() {
    zstd.close();
  }
}
