package io.weightloom.io.lora;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.AdaptedModel;
import io.weightloom.io.BaseFiles;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.VirtualStorage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Shows a base model with adapters folded in as a model directory. */
final class LoraStorage extends VirtualStorage<AdaptedModel> {
  private static final int SHOWN = 5;

  @Override
  protected String name(String path) {
    return AdaptedModel.ofPath(path).file();
  }

  @Override
  protected String root(String path) {
    return model(path).base();
  }

  @Override
  protected AdaptedModel model(String path) {
    return AdaptedModel.ofPath(path).model();
  }

  @Override
  protected BaseFiles base(AdaptedModel model) {
    return new BaseFiles(model.base());
  }

  @Override
  protected void check(String path, AdaptedModel model, ModelDir base) {
    for (Adapter adapter : adapters(model)) {
      require(adapter, base);
    }
  }

  @Override
  protected Stream<String> parts(String path, AdaptedModel model) {
    return Stream.concat(
        Stream.of(model.base()), model.folds().stream().map(AdaptedModel.Fold::adapter));
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
  protected ByteSource weights(String path, AdaptedModel model, ByteSource stored) {
    return FoldedSource.of(path, stored, () -> adapters(model));
  }

  @Override
  public String toString() {
    return "models with adapters";
  }
}
