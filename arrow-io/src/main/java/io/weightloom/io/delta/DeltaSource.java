package io.weightloom.io.delta;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.JsonText;
import io.weightloom.io.VirtualSource;
import io.weightloom.io.delta.PackedDelta.Lengths;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A file of packed task vectors, shown as the safetensors file of F32 tensors that they are. Keeps
 * the chunk that was read last; readers go through a tensor in order. Thread-safe.
 */
final class DeltaSource extends VirtualSource {
  private static final int CHUNK_BYTES = PackedDelta.CHUNK * Float.BYTES;

  private final ByteSource packed;
  private final List<StoredTensor> tensors;
  private final Map<String, StoredTensor> entries = new HashMap<>();
  private @Nullable Open open;

  private DeltaSource(
      String path, ByteSource packed, SafetensorsHeader header, SafetensorsLayout layout) {
    super(path, packed, layout);
    this.packed = packed;
    this.tensors = layout.tensors();
    header.tensors().forEach(t -> entries.put(t.spec().name(), t));
  }

  /**
   * Shows a file.
   *
   * @param path what to call it in errors
   * @param packed the file; closed with this source, or if it cannot be made
   */
  static DeltaSource of(String path, ByteSource packed) {
    return over(
        packed,
        header ->
            new DeltaSource(
                path, packed, header, SafetensorsLayout.of(specs(path, header), Map.of())));
  }

  private static List<TensorSpec> specs(String path, SafetensorsHeader header) {
    String shapes = header.metadata().get(PackedDelta.SHAPES);
    if (shapes == null) {
      throw WeightloomException.input(
          "Cannot unpack %s: its metadata name no shapes (give what weightloom bundle made of fedzip)"
              .formatted(path));
    }
    List<TensorSpec> specs = new ArrayList<>();
    JsonText.object(path, shapes.getBytes(StandardCharsets.UTF_8))
        .properties()
        .forEach(
            e -> {
              List<Long> dims = new ArrayList<>();
              e.getValue().forEach(d -> dims.add(d.asLong()));
              specs.add(new TensorSpec(e.getKey(), DType.F32, new Shape(dims)));
            });
    return specs;
  }

  @Override
  protected synchronized void read(int index, long position, byte[] dst, int offset, int length) {
    Open tensor = opened(tensors.get(index));
    for (int done = 0; done < length; ) {
      byte[] chunk = tensor.chunk((position + done) / CHUNK_BYTES);
      int at = (int) ((position + done) % CHUNK_BYTES);
      int n = Math.min(length - done, chunk.length - at);
      System.arraycopy(chunk, at, dst, offset + done, n);
      done += n;
    }
  }

  private Open opened(StoredTensor tensor) {
    Open last = open;
    if (last == null || !last.tensor.equals(tensor)) {
      last = new Open(tensor);
      open = last;
    }
    return last;
  }

  /** A tensor that is being read. */
  private final class Open {
    private final StoredTensor tensor;
    private final float[] centroids;
    private final Lengths[] lengths;
    private final long[] gapsAt;
    private final long[] codesAt;
    private long held = -1;
    private byte[] chunk = new byte[0];

    Open(StoredTensor tensor) {
      this.tensor = tensor;
      ByteBuffer values = entry(PackedDelta.CENTROIDS, DType.F32);
      centroids = new float[values.remaining() / Float.BYTES];
      values.asFloatBuffer().get(centroids);
      ByteBuffer table = entry(PackedDelta.CHUNKS, DType.I64);
      long bytes = tensor.end() - tensor.begin();
      int chunks = (int) ((bytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
      if (table.remaining() != chunks * Lengths.FIELDS * Long.BYTES) {
        throw PackedDelta.damaged(what(), "its table is not of %d chunks".formatted(chunks));
      }
      StoredTensor gaps = stored(PackedDelta.GAPS, DType.U8);
      StoredTensor codes = stored(PackedDelta.CODES, DType.U8);
      lengths = new Lengths[chunks];
      gapsAt = new long[chunks + 1];
      codesAt = new long[chunks + 1];
      gapsAt[0] = gaps.begin();
      codesAt[0] = codes.begin();
      for (int c = 0; c < chunks; c++) {
        lengths[c] = new Lengths(count(table), count(table), count(table), count(table));
        gapsAt[c + 1] = gapsAt[c] + lengths[c].gaps();
        codesAt[c + 1] = codesAt[c] + lengths[c].codes();
      }
      if (gapsAt[chunks] != gaps.end() || codesAt[chunks] != codes.end()) {
        throw PackedDelta.damaged(what(), "its chunks are not as long as its table says");
      }
    }

    /** No part of a chunk has more bytes than the chunk has. */
    private int count(ByteBuffer table) {
      long count = table.getLong();
      if (count < 0 || count > CHUNK_BYTES) {
        throw PackedDelta.damaged(what(), "its table counts %d".formatted(count));
      }
      return (int) count;
    }

    private String what() {
      return "%s of %s".formatted(tensor.spec().name(), path());
    }

    private StoredTensor stored(String name, DType dtype) {
      StoredTensor entry = entries.get(tensor.spec().name() + name);
      if (entry == null || entry.spec().dtype() != dtype) {
        throw PackedDelta.damaged(
            what(), "it has no %s of %s".formatted(tensor.spec().name() + name, dtype));
      }
      return entry;
    }

    private ByteBuffer entry(String name, DType dtype) {
      StoredTensor entry = stored(name, dtype);
      return ByteBuffer.wrap(bytes(entry.begin(), entry.end())).order(ByteOrder.LITTLE_ENDIAN);
    }

    private byte[] bytes(long begin, long end) {
      byte[] bytes = new byte[Math.toIntExact(end - begin)];
      packed.readFully(begin, bytes, 0, bytes.length);
      return bytes;
    }

    byte[] chunk(long index) {
      if (held != index) {
        int c = (int) index;
        held = -1;
        long left = tensor.end() - tensor.begin() - index * CHUNK_BYTES;
        chunk = new byte[(int) Math.min(CHUNK_BYTES, left)];
        PackedDelta.unpack(
            what(),
            lengths[c],
            bytes(gapsAt[c], gapsAt[c + 1]),
            bytes(codesAt[c], codesAt[c + 1]),
            centroids,
            chunk);
        held = index;
      }
      return chunk;
    }
  }
}
