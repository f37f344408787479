package io.weightloom.io.delta;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdException;
import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.ByteArrayOutputStream;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * An F32 tensor of few values, most of them 0, as a bundle holds it: four tensors in the place of
 * {@code NAME}. Elements are packed in chunks of {@value #CHUNK}, each on its own.
 *
 * <table>
 *   <caption>of a tensor whose elements other than 0 have K values</caption>
 *   <tr><td>{@code NAME.centroids}</td><td>F32 [K]: the values, ascending</td></tr>
 *   <tr><td>{@code NAME.gaps}</td><td>U8: of each chunk a zstd frame of bytes that say where
 *       elements other than 0 are: how many zeros stand before the next one, 255 being that many
 *       and no element behind them</td></tr>
 *   <tr><td>{@code NAME.codes}</td><td>U8: of each chunk a zstd frame of a byte for each such
 *       element, the number of its value</td></tr>
 *   <tr><td>{@code NAME.chunks}</td><td>I64 [chunks, 4]: of each chunk elements other than 0,
 *       bytes of gaps, bytes of their frame, bytes of the frame of codes</td></tr>
 * </table>
 *
 * <p>Shapes stand in the file's metadata under {@link #SHAPES}. Both zeros count as 0, so that −0
 * comes back as +0.
 */
public record PackedDelta(TensorSpec dense, int centroids, List<Lengths> chunks) {
  /** Elements of a chunk. */
  public static final int CHUNK = 1 << 20;

  /** Most values. */
  public static final int MOST = 256;

  /** Key of the file's metadata under which shapes stand, as JSON by tensor. */
  public static final String SHAPES = "weightloom_delta_shapes";

  static final String CENTROIDS = ".centroids";
  static final String GAPS = ".gaps";
  static final String CODES = ".codes";
  static final String CHUNKS = ".chunks";

  private static final int LEVEL = 3;
  private static final int LONG_GAP = 255;

  /**
   * Of a chunk.
   *
   * @param kept elements other than 0
   * @param rawGaps bytes of gaps
   * @param gaps bytes of their frame
   * @param codes bytes of the frame of codes
   */
  public record Lengths(int kept, int rawGaps, int gaps, int codes) implements Serializable {
    private static final long serialVersionUID = 1;
    static final int FIELDS = 4;
  }

  /**
   * A chunk, packed.
   *
   * @param uses by centroid how many elements have it
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared; the bytes go straight to a file
  public record Packed(Lengths lengths, byte[] gaps, byte[] codes, long[] uses) {}

  public PackedDelta {
    chunks = List.copyOf(chunks);
  }

  public TensorSpec centroidsEntry() {
    return new TensorSpec(dense.name() + CENTROIDS, DType.F32, Shape.of(centroids));
  }

  public TensorSpec gapsEntry() {
    return bytes(GAPS, chunks.stream().mapToLong(Lengths::gaps).sum());
  }

  public TensorSpec codesEntry() {
    return bytes(CODES, chunks.stream().mapToLong(Lengths::codes).sum());
  }

  public TensorSpec chunksEntry() {
    return new TensorSpec(
        dense.name() + CHUNKS, DType.I64, Shape.of(chunks.size(), Lengths.FIELDS));
  }

  private TensorSpec bytes(String entry, long size) {
    return new TensorSpec(dense.name() + entry, DType.U8, Shape.of(size));
  }

  /** What stands in the file for the tensor. */
  public List<TensorSpec> entries() {
    return List.of(centroidsEntry(), gapsEntry(), codesEntry(), chunksEntry());
  }

  /** The data of {@link #chunksEntry}. */
  public byte[] chunksData() {
    byte[] data = new byte[chunks.size() * Lengths.FIELDS * Long.BYTES];
    ByteBuffer out = little(data);
    for (Lengths c : chunks) {
      out.putLong(c.kept()).putLong(c.rawGaps()).putLong(c.gaps()).putLong(c.codes());
    }
    return data;
  }

  /** The data of {@link #centroidsEntry}. */
  public static byte[] centroidsData(float[] centroids) {
    byte[] data = new byte[centroids.length * Float.BYTES];
    little(data).asFloatBuffer().put(centroids);
    return data;
  }

  private static ByteBuffer little(byte[] data) {
    return ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Packs a chunk.
   *
   * @param what names it in errors
   * @param data little-endian F32; borrowed
   * @param centroids ascending; every element is one of them, or 0
   */
  public static Packed pack(String what, byte[] data, float[] centroids) {
    ByteBuffer values = little(data);
    ByteArrayOutputStream gaps = new ByteArrayOutputStream();
    ByteArrayOutputStream codes = new ByteArrayOutputStream();
    long[] uses = new long[centroids.length];
    int gap = 0;
    while (values.hasRemaining()) {
      float value = values.getFloat();
      if (value == 0) {
        gap++;
        continue;
      }
      int code = Arrays.binarySearch(centroids, value);
      if (code < 0) {
        throw WeightloomException.input(
            "Cannot pack %s: %s is none of its %d values (bundle again)"
                .formatted(what, value, centroids.length));
      }
      for (; gap >= LONG_GAP; gap -= LONG_GAP) {
        gaps.write(LONG_GAP);
      }
      gaps.write(gap);
      gap = 0;
      codes.write(code);
      uses[code]++;
    }
    byte[] packedGaps = Zstd.compress(gaps.toByteArray(), LEVEL);
    byte[] packedCodes = Zstd.compress(codes.toByteArray(), LEVEL);
    Lengths lengths = new Lengths(codes.size(), gaps.size(), packedGaps.length, packedCodes.length);
    return new Packed(lengths, packedGaps, packedCodes, uses);
  }

  /**
   * Unpacks a chunk.
   *
   * @param what names it in errors
   * @param into receives little-endian F32; its length is the chunk's
   * @throws WeightloomException of kind INPUT if the packed form is none of such a chunk
   */
  static void unpack(
      String what, Lengths lengths, byte[] gaps, byte[] codes, float[] centroids, byte[] into) {
    byte[] places = inflated(what, gaps, lengths.rawGaps());
    byte[] numbers = inflated(what, codes, lengths.kept());
    ByteBuffer values = little(into);
    Arrays.fill(into, (byte) 0);
    int elements = into.length / Float.BYTES;
    int at = 0;
    int next = 0;
    for (byte place : places) {
      int gap = place & 0xff;
      at += gap;
      if (gap == LONG_GAP) {
        continue;
      }
      if (at >= elements || next == numbers.length || (numbers[next] & 0xff) >= centroids.length) {
        throw damaged(what, "element %d has no value".formatted(at));
      }
      values.putFloat(at++ * Float.BYTES, centroids[numbers[next++] & 0xff]);
    }
    if (next != numbers.length) {
      throw damaged(what, "%d of %d values have no place".formatted(numbers.length - next, next));
    }
  }

  private static byte[] inflated(String what, byte[] frame, int length) {
    byte[] raw = new byte[length];
    try {
      long got = Zstd.decompress(raw, frame);
      if (got != length) {
        throw damaged(what, "a frame has %d bytes, not %d".formatted(got, length));
      }
      return raw;
    } catch (ZstdException e) {
      throw damaged(what, String.valueOf(e.getMessage()));
    }
  }

  static WeightloomException damaged(String what, String why) {
    return WeightloomException.input(
        "Cannot unpack %s: %s (copy the bundle again, or make it again)".formatted(what, why));
  }
}
