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
import io.weightloom.io.VirtualStorage;
import java.nio.charset.StandardCharsets;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Shows a model of which some units stay as a model directory; config and index are rewritten as
 * well.
 */
final class UnitsStorage extends VirtualStorage<UnitSelection> {
  private static final String CONFIG = "config.json";
  private static final String INDEX = ".safetensors.index.json";
  private static final int LIMIT = 1 << 30;

  @Override
  protected String name(String path) {
    return UnitSelection.ofPath(path).file();
  }

  @Override
  protected String root(String path) {
    return UnitSelection.ofPath(path).selection();
  }

  @Override
  protected UnitSelection model(String path) {
    return UnitSelection.read(root(path));
  }

  @Override
  protected BaseFiles base(UnitSelection selection) {
    return new BaseFiles(selection.model());
  }

  @Override
  protected void check(String path, UnitSelection selection, ModelDir base) {
    selection
        .parts()
        .forEach(
            (tensor, part) -> {
              TensorLocation at = base.tensors().get(tensor);
              if (at == null) {
                throw WeightloomException.input(
                    "Cannot open model %s: %s lacks %s (make the units again of the model as it is now)"
                        .formatted(root(path), selection.model(), tensor));
              }
              Gather.shape(at.spec(), part, selection.order(part));
            });
  }

  @Override
  protected Stream<String> parts(String path, UnitSelection selection) {
    return Stream.of(root(path), selection.model());
  }

  @Override
  protected ByteSource weights(String path, UnitSelection selection, ByteSource stored) {
    return SelectedSource.of(path, stored, selection);
  }

  @Override
  protected ByteSource companion(String path, UnitSelection selection, String stored) {
    String name = name(path);
    if (name.equals(CONFIG)) {
      ObjectNode config = JsonText.object(stored, Storage.of(stored).readAll(stored, LIMIT));
      selection.rewrite(config);
      return new MemorySource(path, config.toString().getBytes(StandardCharsets.UTF_8));
    }
    if (name.endsWith(INDEX)) {
      ShardIndex index = ShardIndex.parse(stored, Storage.of(stored).readAll(stored, LIMIT));
      // What it says of sizes holds no more.
      return new MemorySource(
          path,
          new ShardIndex(index.weightMap(), OptionalLong.empty(), OptionalLong.empty()).toJson());
    }
    return super.companion(path, selection, stored);
  }

  @Override
  public String toString() {
    return "models of which some units stay";
  }
}
