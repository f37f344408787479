package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Masks combined and compared, bit by bit. Needs no Spark: masks are small. */
public final class MaskAlgebra {
  private static final int BLOCK_BYTES = 1 << 20;
  private static final String FILE = "model.safetensors";

  /** What becomes of masks. */
  public enum Operation {
    /** Kept by any. */
    UNION,
    /** Kept by all. */
    INTERSECTION,
    /** Kept by the first and by no other. */
    EXCLUSIVE,
    /** Kept by an odd number: what two masks differ in. */
    DIFFERENCE;

    private int of(int a, int b) {
      return switch (this) {
        case UNION -> a | b;
        case INTERSECTION -> a & b;
        case EXCLUSIVE -> a & ~b;
        case DIFFERENCE -> a ^ b;
      };
    }
  }

  /**
   * How two masks of a tensor agree.
   *
   * @param tensor its name
   * @param elements its weights
   * @param keptA kept by the first
   * @param keptB kept by the second
   * @param both kept by both
   */
  public record Agreement(String tensor, long elements, long keptA, long keptB, long both) {

    /** |a∧b|/|a| (Zhang et al., 2021, "Lottery Jackpots Exist in Pre-trained Models"). */
    public double overlap() {
      return (double) both / keptA;
    }

    /** |a∧b|/|a∨b|. */
    public double jaccard() {
      return (double) both / (keptA + keptB - both);
    }

    /** The share of weights of which both say the same. */
    public double agreement() {
      return 1 - (double) (keptA + keptB - 2 * both) / elements;
    }

    private Agreement plus(Agreement other) {
      return new Agreement(
          tensor,
          elements + other.elements,
          keptA + other.keptA,
          keptB + other.keptB,
          both + other.both);
    }
  }

  private MaskAlgebra() {}

  /** Compares two masks tensor by tensor; the last row is of all together, named {@code *}. */
  public static List<Agreement> compare(MaskDir a, MaskDir b) {
    requireAlike(List.of(a, b));
    List<Agreement> rows =
        new ArrayList<>(
            a.masks().entrySet().parallelStream()
                .map(e -> compare(e.getKey(), e.getValue(), mask(b, e.getKey())))
                .toList());
    rows.add(rows.stream().reduce(new Agreement("*", 0, 0, 0, 0), Agreement::plus));
    return rows;
  }

  private static Agreement compare(String tensor, MaskDir.Mask a, MaskDir.Mask b) {
    long[] counts = new long[3];
    long bytes = a.bits().spec().byteSize();
    for (long at = 0; at < bytes; at += BLOCK_BYTES) {
      int n = (int) Math.min(BLOCK_BYTES, bytes - at);
      byte[] x = a.read(at, n);
      byte[] y = b.read(at, n);
      for (int i = 0; i < n; i++) {
        counts[0] += Integer.bitCount(x[i] & 0xff);
        counts[1] += Integer.bitCount(y[i] & 0xff);
        counts[2] += Integer.bitCount(x[i] & y[i] & 0xff);
      }
    }
    return new Agreement(tensor, a.elements(), counts[0], counts[1], counts[2]);
  }

  /**
   * Combines masks into another.
   *
   * @param masks at least two, of the same tensors
   * @throws WeightloomException if they are not, or the output cannot be written
   */
  public static void combine(
      Operation operation, List<MaskDir> masks, Path target, boolean overwrite) {
    requireAlike(masks);
    Map<String, Object> shapes = new TreeMap<>();
    List<TensorSpec> specs = new ArrayList<>();
    masks
        .get(0)
        .masks()
        .forEach(
            (name, mask) -> {
              shapes.put(name, mask.shape().dims());
              specs.add(new TensorSpec(name, DType.U8, Shape.of((mask.elements() + 7) / 8)));
            });
    Map<String, String> metadata = new TreeMap<>(PreparedMerge.METADATA);
    metadata.put(PackedMasks.SHAPES, Json.line(Json.tree(shapes)));
    SafetensorsLayout layout = SafetensorsLayout.of(specs, metadata);
    try (OutputDir output = OutputDir.open(target, overwrite, layout.fileSize())) {
      output.allocate(FILE, layout);
      try (RandomAccessFile file = new RandomAccessFile(output.path(FILE).toFile(), "rw")) {
        for (var stored : layout.tensors()) {
          combine(operation, masks, stored.spec().name(), file, stored.begin());
        }
      }
      output.publish();
    } catch (IOException e) {
      throw OutputDir.cannotWrite(target.toString(), e);
    }
  }

  private static void combine(
      Operation operation, List<MaskDir> masks, String tensor, RandomAccessFile file, long begin)
      throws IOException {
    long bytes = mask(masks.get(0), tensor).bits().spec().byteSize();
    file.seek(begin);
    for (long at = 0; at < bytes; at += BLOCK_BYTES) {
      int n = (int) Math.min(BLOCK_BYTES, bytes - at);
      byte[] result = mask(masks.get(0), tensor).read(at, n);
      for (MaskDir other : masks.subList(1, masks.size())) {
        byte[] bits = mask(other, tensor).read(at, n);
        for (int i = 0; i < n; i++) {
          result[i] = (byte) operation.of(result[i], bits[i]);
        }
      }
      file.write(result);
    }
  }

  private static MaskDir.Mask mask(MaskDir dir, String tensor) {
    return java.util.Objects.requireNonNull(dir.masks().get(tensor), tensor);
  }

  private static void requireAlike(List<MaskDir> masks) {
    MaskDir first = masks.get(0);
    for (MaskDir other : masks) {
      for (String tensor : union(first, other)) {
        MaskDir.Mask a = first.masks().get(tensor);
        MaskDir.Mask b = other.masks().get(tensor);
        if (a == null || b == null || !a.shape().equals(b.shape())) {
          throw WeightloomException.input(
              "Cannot combine the masks %s and %s: %s is %s in one and %s in the other (give masks of one architecture)"
                  .formatted(
                      first.path(),
                      other.path(),
                      tensor,
                      a == null ? "missing" : a.shape(),
                      b == null ? "missing" : b.shape()));
        }
      }
    }
  }

  private static java.util.Set<String> union(MaskDir a, MaskDir b) {
    java.util.Set<String> names = new java.util.TreeSet<>(a.masks().keySet());
    names.addAll(b.masks().keySet());
    return names;
  }
}
