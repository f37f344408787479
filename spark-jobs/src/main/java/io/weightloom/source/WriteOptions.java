package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.LocalStorage;
import io.weightloom.io.Storage;
import io.weightloom.plan.MergePlanner;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * Where and how a model is written.
 *
 * @param target the model's directory
 * @param like a model whose layout and companion files are taken
 * @param shardBytes the most bytes of tensors in a file; empty for the layout of the model that the
 *     rows are from
 * @param blockElements the cut of rows that have a block's number and no offset
 */
record WriteOptions(
    Path target, Optional<String> like, OptionalLong shardBytes, int blockElements) {
  private static final String LIKE = "like";
  private static final String SHARD_SIZE = "shardSize";
  private static final List<String> KNOWN = List.of(LIKE, SHARD_SIZE, SourceOptions.BLOCK_SIZE);
  private static final String PARTITIONS = "__partition_columns";
  private static final String CLUSTERS = "__clustering_columns";

  /**
   * Reads the options.
   *
   * @throws WeightloomException of kind USAGE for an option that is unknown or makes no sense
   */
  static WriteOptions of(CaseInsensitiveStringMap options) {
    if (options.containsKey(PARTITIONS) || options.containsKey(CLUSTERS)) {
      throw WeightloomException.usage(
          "Cannot write a checkpoint in partitions: its files are cut by size (leave out partitionBy and clusterBy, see option shardSize)");
    }
    SourceOptions.requireKnown("write a checkpoint", options, KNOWN);
    String path = options.getOrDefault(SourceOptions.PATH, "");
    if (path.isBlank()) {
      throw WeightloomException.usage(
          "Cannot write a checkpoint: no directory is named (give save(path))");
    }
    if (!(Storage.of(path) instanceof LocalStorage)) {
      throw WeightloomException.usage(
          "Cannot write %s: models are written to local and shared file systems (write to a path without a scheme, and copy it)"
              .formatted(path));
    }
    return new WriteOptions(
        LocalStorage.toPath(path),
        Optional.ofNullable(options.get(LIKE)),
        shardBytes(options),
        SourceOptions.blockElements(options));
  }

  private static OptionalLong shardBytes(CaseInsensitiveStringMap options) {
    String text = options.get(SHARD_SIZE);
    if (text == null) {
      return OptionalLong.empty();
    }
    long bytes = SourceOptions.bytes(SHARD_SIZE, text);
    if (bytes < 1) {
      throw WeightloomException.usage(
          "Cannot use option %s of a checkpoint, %s: it must be a byte at least (try 5g)"
              .formatted(SHARD_SIZE, text));
    }
    return OptionalLong.of(bytes);
  }

  /** The most bytes of tensors in a file of a layout of our own. */
  long shardBytesOrUsual() {
    return shardBytes.orElse(MergePlanner.Options.SHARD_BYTES);
  }
}
