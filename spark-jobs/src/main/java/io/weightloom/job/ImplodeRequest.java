package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.MergeRequest.Progress;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model of a block table to be written as a directory.
 *
 * @param table a table, or a partition of one
 * @param model which model of it; null if it has but one
 * @param output the directory that will hold the model
 * @param overwrite whether an existing output is replaced
 * @param progress told of what has been done
 */
public record ImplodeRequest(
    String table, @Nullable String model, Path output, boolean overwrite, Progress progress) {

  /** Opens the model; each of its blocks will be held against its digest when it is read. */
  ModelDir open() {
    Storage storage = Storage.of(table);
    String path = model == null ? table : storage.resolve(table, BlockTables.partition(model));
    if (model != null && !storage.isDirectory(path)) {
      throw WeightloomException.input(
          "Cannot implode model %s: the table %s has %s (name one of them)"
              .formatted(model, table, models(storage)));
    }
    ModelDir dir = ModelDir.open(path, Profile.REFERENCE);
    if (!BlockTables.isVirtual(dir.path())) {
      throw WeightloomException.input(
          "Cannot implode %s: it is a model directory and no block table (name a table that explode wrote)"
              .formatted(path));
    }
    return ModelDir.open(BlockTables.checked(dir.path()), Profile.REFERENCE);
  }

  private String models(Storage storage) {
    List<String> models =
        storage.isDirectory(table)
            ? storage.list(table).stream().flatMap(n -> BlockTables.modelOf(n).stream()).toList()
            : List.of();
    return models.isEmpty() ? "no models" : "only " + String.join(", ", models);
  }

  /** Fails at once if the table is not sound or the output is in the way. */
  public void requireReady() {
    requireWritable();
    open();
  }

  /** Fails if the output is in the way or holds the table. */
  void requireWritable() {
    OutputDir.check(output, overwrite);
    if (Storage.scheme(table).isEmpty()
        && OutputDir.real(Path.of(table)).startsWith(OutputDir.real(output))) {
      throw WeightloomException.conflict(
          "Cannot write %s: it holds the table %s (choose another directory)"
              .formatted(output, table));
    }
  }
}
