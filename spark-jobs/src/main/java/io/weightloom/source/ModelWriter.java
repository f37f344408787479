package io.weightloom.source;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.job.Json;
import io.weightloom.job.OutputDir;
import io.weightloom.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * Writes a frame of blocks as a model, whole or not at all.
 *
 * <p>The frame is evaluated twice. The first time without its data, which costs a frame of
 * checkpoints nothing but headers: it says which tensors there are, and so where each byte goes.
 * The second time each task writes its blocks to their places; no block is moved between tasks.
 */
final class ModelWriter {
  private static final int MAX_COMPANION_BYTES = 1 << 30;
  private static final String CONFIG = "config.json";

  private final Dataset<Row> rows;
  private final SaveMode mode;
  private final WriteOptions options;

  ModelWriter(Dataset<Row> rows, SaveMode mode, CaseInsensitiveStringMap options) {
    this.rows = rows;
    this.mode = mode;
    this.options = WriteOptions.of(options);
  }

  /**
   * Writes the model.
   *
   * @throws WeightloomException if it cannot; nothing is left under the output's name
   */
  void write() {
    if (mode == SaveMode.Append) {
      throw WeightloomException.usage(
          "Cannot append to %s: a model is written whole (use mode overwrite, or another path)"
              .formatted(options.target()));
    }
    if (isThere(options.target()) && mode != SaveMode.Overwrite) {
      if (mode == SaveMode.Ignore) {
        return;
      }
      throw WeightloomException.conflict(
          "Cannot write %s: it exists (choose another path, or mode overwrite)"
              .formatted(options.target()));
    }
    try {
      writeNew();
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw failure(e);
    }
  }

  private static RuntimeException failure(Exception e) {
    Optional<WeightloomException> known = WeightloomException.in(e);
    if (known.isPresent()) {
      return known.get();
    }
    return e instanceof RuntimeException other
        ? other
        : new IllegalStateException("Spark failed", e);
  }

  private static boolean isThere(Path target) {
    if (!Files.isDirectory(target)) {
      return Files.exists(target);
    }
    try (Stream<Path> entries = Files.list(target)) {
      return entries.findAny().isPresent();
    } catch (IOException e) {
      throw OutputDir.cannotWrite(target.toString(), e);
    }
  }

  private void writeNew() {
    String target = options.target().toString();
    WriteSchema schema = WriteSchema.of(rows);
    int cut = schema.byOffset() ? 0 : options.blockElements();
    Survey survey =
        Survey.of(
            pass(
                "survey of " + target,
                schema.surveyed(rows),
                new Survey.Factory(cut),
                Survey.class));
    Map<String, TensorTally> tensors = survey.model(target);
    WriteLayout layout = WriteLayout.of(tensors, options);
    try (OutputDir output =
        OutputDir.open(options.target(), mode == SaveMode.Overwrite, layout.bytes())) {
      layout.shards().forEach(output::allocate);
      requireWhole(
          tensors,
          pass(
              target,
              schema.written(rows),
              new BlockWriter.Factory(places(layout, output), cut),
              BlockWriter.Written.class));
      writeCompanions(tensors, layout, output);
      output.publish();
    }
  }

  private static <T> List<T> pass(
      String name, Dataset<Row> rows, DataWriterFactory writers, Class<T> said) {
    return BlockSink.run(name, rows, writers).stream().map(m -> m.as(said)).toList();
  }

  private static Map<String, BlockWriter.Place> places(WriteLayout layout, OutputDir output) {
    Map<String, BlockWriter.Place> places = new HashMap<>();
    layout
        .shards()
        .forEach(
            (file, shard) -> {
              String path = output.path(file).toString();
              for (StoredTensor t : shard.tensors()) {
                places.put(t.spec().name(), new BlockWriter.Place(t.spec(), path, t.begin()));
              }
            });
    return places;
  }

  /** The second evaluation must have given what the first one did. */
  private void requireWhole(Map<String, TensorTally> tensors, List<BlockWriter.Written> tasks) {
    Map<String, ElementRanges> all = new HashMap<>();
    for (BlockWriter.Written task : tasks) {
      task.ranges()
          .forEach(
              (name, ranges) -> all.computeIfAbsent(name, n -> new ElementRanges()).addAll(ranges));
    }
    List<String> problems = new ArrayList<>();
    tensors.forEach(
        (name, tally) ->
            all.getOrDefault(name, new ElementRanges())
                .problems(tally.spec().elements())
                .forEach(p -> problems.add("tensor " + name + ": when written, " + p)));
    if (!problems.isEmpty()) {
      throw Survey.incomplete(options.target().toString(), problems);
    }
  }

  private static void writeCompanions(
      Map<String, TensorTally> tensors, WriteLayout layout, OutputDir output) {
    if (layout.donor().isPresent()) {
      ModelDir donor = layout.donor().get();
      Storage storage = Storage.of(donor.path());
      for (String name : donor.companionFiles()) {
        output.write(
            name, storage.readAll(storage.resolve(donor.path(), name), MAX_COMPANION_BYTES));
      }
      config(donor, tensors).ifPresent(json -> output.write(CONFIG, json));
    }
    layout.index().ifPresent(index -> output.write(index.name(), index.json()));
  }

  /** The configuration, if the dtype that it names is no longer the weights'. */
  private static Optional<byte[]> config(ModelDir donor, Map<String, TensorTally> tensors) {
    Optional<DType> was = donor.mainDType();
    Optional<DType> is = mainDType(tensors);
    ObjectNode config = donor.config();
    if (config.isEmpty() || is.equals(was) || !is.map(DType::isComputed).orElse(false)) {
      return Optional.empty();
    }
    boolean changed = false;
    for (String key : List.of("dtype", "torch_dtype")) {
      if (config.path(key).isTextual()) {
        config.put(key, is.get().torchName());
        changed = true;
      }
    }
    return changed
        ? Optional.of(Json.prettyText(config).getBytes(StandardCharsets.UTF_8))
        : Optional.empty();
  }

  /** The type that most elements have, the wider one of two. */
  private static Optional<DType> mainDType(Map<String, TensorTally> tensors) {
    Map<DType, Long> elements = new EnumMap<>(DType.class);
    tensors.values().forEach(t -> elements.merge(t.spec().dtype(), t.spec().elements(), Long::sum));
    return elements.entrySet().stream()
        .filter(e -> e.getValue() > 0)
        .max(Map.Entry.<DType, Long>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
        .map(Map.Entry::getKey);
  }
}
