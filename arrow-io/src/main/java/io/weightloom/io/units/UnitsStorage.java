package io.weightloom.io.units;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.BaseFiles;
import io.weightloom.io.ByteSource;
import io.weightloom.io.JsonText;
import io.weightloom.io.MemorySource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ShardIndex;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.UnitSelection;
import io.weightloom.io.safetensors.Profile;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Shows a model of which some units stay as a model directory: the model's files, of which the
 * weights are gathered as they are read, and config and index rewritten. Reads what it needs by the
 * path alone, in whatever process. Thread-safe.
 */
final class UnitsStorage implements Storage {
  private static final String CONFIG = "config.json";
  private static final String INDEX = ".safetensors.index.json";
  private static final int LIMIT = 1 << 30;

  @Override
  public boolean exists(String path) {
    UnitSelection.Path at = UnitSelection.ofPath(path);
    String file =
        at.file().isEmpty()
            ? at.selection()
            : new BaseFiles(UnitSelection.read(at.selection()).model()).path(at.file());
    return Storage.of(file).exists(file);
  }

  @Override
  public boolean isDirectory(String path) {
    return UnitSelection.ofPath(path).file().isEmpty();
  }

  /** Lists the model's files; as this begins the opening of a model, all units are held to it. */
  @Override
  public List<String> list(String path) {
    String file = UnitSelection.ofPath(path).selection();
    UnitSelection selection = UnitSelection.read(file);
    ModelDir base = ModelDir.open(selection.model(), Profile.REFERENCE);
    selection
        .parts()
        .forEach(
            (tensor, part) -> {
              TensorLocation at = base.tensors().get(tensor);
              if (at == null) {
                throw WeightloomException.input(
                    "Cannot open model %s: %s lacks %s (make the units again of the model as it is now)"
                        .formatted(file, selection.model(), tensor));
              }
              Gather.shape(
                  at.spec(), part, selection.orders().getOrDefault(part.order(), List.of()));
            });
    return new BaseFiles(selection.model()).names(base);
  }

  @Override
  public List<String> origins(String path) {
    String file = UnitSelection.ofPath(path).selection();
    return Stream.of(file, UnitSelection.read(file).model())
        .flatMap(p -> Storage.of(p).origins(p).stream())
        .toList();
  }

  @Override
  public ByteSource open(String path) {
    UnitSelection.Path at = UnitSelection.ofPath(path);
    if (at.file().isEmpty()) {
      throw WeightloomException.input(
          "Cannot open %s: it is a directory (name a file in it)".formatted(path));
    }
    UnitSelection selection = UnitSelection.read(at.selection());
    String file = new BaseFiles(selection.model()).path(at.file());
    Storage storage = Storage.of(file);
    if (at.file().equals(CONFIG)) {
      ObjectNode config = JsonText.object(file, storage.readAll(file, LIMIT));
      selection.rewrite(config);
      return new MemorySource(path, config.toString().getBytes(StandardCharsets.UTF_8));
    }
    if (at.file().endsWith(INDEX)) {
      ShardIndex index = ShardIndex.parse(file, storage.readAll(file, LIMIT));
      // What it says of sizes holds no more.
      return new MemorySource(
          path,
          new ShardIndex(index.weightMap(), OptionalLong.empty(), OptionalLong.empty()).toJson());
    }
    ByteSource source = storage.open(file);
    return BaseFiles.isWeights(file) ? SelectedSource.of(path, source, selection) : source;
  }

  @Override
  public String toString() {
    return "models of which some units stay";
  }
}
