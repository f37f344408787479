package io.weightloom.io.table;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ContentDigest;
import java.io.IOException;
import java.io.Serializable;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a partition of a block table was made: what cannot be told from its rows. Its rows are the
 * blocks of all tensors, in the order of the files and of the tensors' data in them.
 *
 * @param schema version of this layout
 * @param weightloom the version that wrote the table
 * @param model the model's name
 * @param revision the snapshot of the Hugging Face cache, or null
 * @param blockElements the target of the cut, see {@link io.weightloom.tensor.BlockCut#of}
 * @param compression how blocks are packed
 * @param index the file name of the shards' index; empty if the model had none
 * @param shards the files that held the weights, in the order of their names
 * @param parts the table's files, in the order of their rows
 * @param content XXH3-64 of the parts' digests, little-endian, in order
 * @param plan digest of what the table was made of, the source's files and the cut among them
 */
@JsonPropertyOrder({
  "schema",
  "weightloom",
  "model",
  "revision",
  "blockElements",
  "compression",
  "content",
  "plan",
  "index",
  "shards",
  "parts"
})
public record TableLayout(
    int schema,
    String weightloom,
    String model,
    @Nullable String revision,
    int blockElements,
    Compression compression,
    String index,
    List<Shard> shards,
    List<Part> parts,
    String content,
    String plan) {

  /** The version that this class writes and reads. */
  public static final int SCHEMA = 1;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  public TableLayout {
    shards = List.copyOf(shards);
    parts = List.copyOf(parts);
  }

  /**
   * A file that held weights.
   *
   * @param file its name
   * @param header its bytes up to the data, exactly
   * @param size all its bytes
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared; bytes on their way to a file
  public record Shard(String file, byte[] header, long size) {}

  /**
   * A file of the table.
   *
   * @param file its name
   * @param rows how many
   * @param bytes its size
   * @param digest XXH3-64 of its blocks' digests, little-endian, in order
   */
  public record Part(String file, long rows, long bytes, String digest) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /** The layout of a table whose parts are written. */
  public TableLayout with(List<Part> written) {
    long[] digests =
        written.stream().mapToLong(p -> HexFormat.fromHexDigitsToLong(p.digest())).toArray();
    String whole = HexFormat.of().toHexDigits(ContentDigest.grain(digests, digests.length));
    return new TableLayout(
        schema,
        weightloom,
        model,
        revision,
        blockElements,
        compression,
        index,
        shards,
        written,
        whole,
        plan);
  }

  /** Indented JSON. */
  public byte[] toJson() {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Reads a layout.
   *
   * @param path what to call it in errors
   * @throws WeightloomException of kind INPUT
   */
  public static TableLayout parse(String path, byte[] json) {
    TableLayout layout;
    try {
      layout = JSON.readValue(json, TableLayout.class);
    } catch (JsonProcessingException e) {
      throw unreadable(path, e.getOriginalMessage());
    } catch (IOException e) {
      throw new IllegalStateException("reading from memory failed", e);
    }
    if (layout.schema != SCHEMA) {
      throw WeightloomException.input(
          "Cannot read %s: it is of schema %d, this version reads %d (use the version that wrote it, %s)"
              .formatted(path, layout.schema, SCHEMA, layout.weightloom));
    }
    if (layout.blockElements < 1 || layout.blockElements > BlockRow.MAX_ELEMENTS) {
      throw unreadable(path, "field blockElements is " + layout.blockElements);
    }
    return layout;
  }

  private static WeightloomException unreadable(String path, String why) {
    return WeightloomException.input(
        "Cannot read the layout of a block table, %s: %s (explode the model again)"
            .formatted(path, why));
  }
}
