package io.weightloom.io.lora;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.AdaptedModel;
import io.weightloom.io.BaseFiles;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.Profile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Shows a base model with adapters folded in as a model directory: the base's files, of which the
 * weights are computed as they are read. Reads what it needs by the path alone, in whatever
 * process. Thread-safe.
 */
final class LoraStorage implements Storage {
  private static final int SHOWN = 5;

  @Override
  public boolean exists(String path) {
    AdaptedModel.Path at = AdaptedModel.ofPath(path);
    BaseFiles base = new BaseFiles(at.model().base());
    String file = at.file().isEmpty() ? base.location() : base.path(at.file());
    return Storage.of(file).exists(file);
  }

  @Override
  public boolean isDirectory(String path) {
    return AdaptedModel.ofPath(path).file().isEmpty();
  }

  /**
   * Lists the base's files; as this begins the opening of a model, all adapters are held against
   * it.
   */
  @Override
  public List<String> list(String path) {
    AdaptedModel model = AdaptedModel.ofPath(path).model();
    ModelDir base = ModelDir.open(model.base(), Profile.REFERENCE);
    for (Adapter adapter : adapters(model)) {
      require(adapter, base);
    }
    return new BaseFiles(model.base()).names(base);
  }

  @Override
  public List<String> origins(String path) {
    AdaptedModel model = AdaptedModel.ofPath(path).model();
    return Stream.concat(
            Stream.of(model.base()), model.folds().stream().map(AdaptedModel.Fold::adapter))
        .flatMap(p -> Storage.of(p).origins(p).stream())
        .toList();
  }

  /** Each tensor that an adapter changes must be one of the base. */
  private static void require(Adapter adapter, ModelDir base) {
    Map<String, String> found = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    base.tensors()
        .values()
        .forEach(
            location ->
                adapter
                    .changeOf(location.spec())
                    .ifPresent(
                        change -> {
                          String name = location.spec().name();
                          String other = found.put(change.name(), name);
                          if (other != null) {
                            problems.add(
                                "%s may be %s or %s".formatted(change.name(), other, name));
                          }
                        }));
    adapter.names().stream()
        .filter(name -> !found.containsKey(name))
        .forEach(name -> problems.add("the base lacks " + name));
    if (!problems.isEmpty()) {
      throw WeightloomException.input(
          "Cannot fold %s into %s: %s%s (see whether this is the adapter's base%s)"
              .formatted(
                  adapter.path(),
                  base.path(),
                  String.join(", ", problems.subList(0, Math.min(SHOWN, problems.size()))),
                  problems.size() > SHOWN ? " and %d more".formatted(problems.size() - SHOWN) : "",
                  adapter.base().isEmpty() ? "" : ", it says " + adapter.base()));
    }
  }

  private static List<Adapter> adapters(AdaptedModel model) {
    return model.folds().stream().map(f -> Adapter.read(f.adapter(), f.factor())).toList();
  }

  @Override
  public ByteSource open(String path) {
    AdaptedModel.Path at = AdaptedModel.ofPath(path);
    if (at.file().isEmpty()) {
      throw WeightloomException.input(
          "Cannot open %s: it is a directory (name a file in it)".formatted(path));
    }
    String file = new BaseFiles(at.model().base()).path(at.file());
    ByteSource source = Storage.of(file).open(file);
    return BaseFiles.isWeights(file) ? FoldedSource.of(path, source, adapters(at.model())) : source;
  }

  @Override
  public String toString() {
    return "models with adapters";
  }
}
