package io.weightloom.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A directory or file of masks as {@code prune --masks} writes it.
 *
 * @param path where
 * @param masks by the name of the tensor that each is of, in natural order
 */
public record MaskDir(String path, Map<String, Mask> masks) {

  /**
   * The mask of a tensor.
   *
   * @param shape the tensor's
   * @param bits where they are, as {@link PackedMasks} has them
   */
  public record Mask(Shape shape, TensorLocation bits) implements Serializable {
    private static final long serialVersionUID = 1;

    public long elements() {
      return shape.elements();
    }

    /** Elements of a row, the first dimension counting rows. */
    public long columns() {
      return shape.rank() < 2 ? elements() : elements() / Math.max(1, shape.dims().get(0));
    }

    /**
     * Reads bytes of the bits.
     *
     * @param first the first byte
     * @param count how many
     */
    byte[] read(long first, int count) {
      byte[] bytes = new byte[count];
      try (ByteSource source = Storage.of(bits.file()).open(bits.file())) {
        source.readFully(bits.begin() + first, bytes, 0, count);
      }
      return bytes;
    }
  }

  public MaskDir {
    masks = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(masks));
  }

  /**
   * Opens masks; reads headers only.
   *
   * @throws WeightloomException if they are none
   */
  public static MaskDir open(String reference) {
    ModelDir dir =
        ModelDir.open(ModelReference.resolve(reference, System.getenv()), Profile.REFERENCE);
    Map<String, Shape> shapes = new LinkedHashMap<>();
    dir.shards().forEach(s -> shapes.putAll(shapes(reference, s)));
    Map<String, Mask> masks = new LinkedHashMap<>();
    for (TensorLocation at : dir.tensors().values()) {
      Shape shape = shapes.get(at.spec().name());
      if (shape == null) {
        continue; // What is not computed on was carried over as it is.
      }
      if (at.spec().dtype() != DType.U8 || at.spec().elements() != (shape.elements() + 7) / 8) {
        throw notMasks(
            reference, "%s is %s, no bits for %s".formatted(at.spec().name(), at.spec(), shape));
      }
      masks.put(at.spec().name(), new Mask(shape, at));
    }
    if (masks.isEmpty()) {
      throw notMasks(reference, "its metadata name no shapes");
    }
    return new MaskDir(dir.path(), masks);
  }

  private static Map<String, Shape> shapes(String reference, SafetensorsHeader shard) {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    try {
      JsonNode json =
          new ObjectMapper().readTree(shard.metadata().getOrDefault(PackedMasks.SHAPES, "{}"));
      json.properties()
          .forEach(
              e -> {
                List<Long> dims = new ArrayList<>();
                e.getValue().forEach(d -> dims.add(d.asLong()));
                shapes.put(e.getKey(), new Shape(dims));
              });
    } catch (JsonProcessingException e) {
      throw notMasks(reference, "its metadata are damaged: " + e.getOriginalMessage());
    }
    return shapes;
  }

  private static WeightloomException notMasks(String reference, String why) {
    return WeightloomException.input(
        "Cannot read the masks %s: %s (give what weightloom prune --masks wrote)"
            .formatted(reference, why));
  }
}
