package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The Gram matrices of layers' inputs: {@value #FILE} in each model's directory, under the name of
 * the weight that the inputs go into, columns × columns.
 *
 * @param byModel by index in the plan: Gram matrix by name of its weight; empty if none are used
 * @param headers SHA-256 of each file's header, by its path
 */
record GramFiles(List<Map<String, TensorLocation>> byModel, Map<String, String> headers) {

  /** Its name in a model's directory. */
  static final String FILE = "grams.safetensors";

  private static final GramFiles NONE = new GramFiles(List.of(), Map.of());

  GramFiles {
    byModel = List.copyOf(byModel);
  }

  /** Opens those that the plan's method uses, and says what is missing or does not fit. */
  static GramFiles of(MergePlan plan, List<ModelDir> models) {
    if (!(MergeMethods.named(plan.method()).orElseThrow() instanceof MatrixMethod m)
        || !m.usesGrams()) {
      return NONE;
    }
    List<Map<String, TensorLocation>> byModel = new ArrayList<>();
    Map<String, String> headers = new LinkedHashMap<>();
    for (int i = 0; i < models.size(); i++) {
      byModel.add(isMerged(plan, i) ? open(plan, models.get(i), headers) : Map.of());
    }
    GramFiles files = new GramFiles(byModel, headers);
    files.requireSound(plan);
    return files;
  }

  /** A base that only gives its config needs none. */
  private static boolean isMerged(MergePlan plan, int model) {
    return plan.tensors().stream()
        .anyMatch(t -> t instanceof Merged m && m.models().contains(model));
  }

  private static Map<String, TensorLocation> open(
      MergePlan plan, ModelDir model, Map<String, String> headers) {
    Storage storage = Storage.of(model.path());
    String path = storage.resolve(model.path(), FILE);
    if (!storage.exists(path)) {
      throw WeightloomException.input(
          "Cannot merge with %s: %s has no %s (write one: docs/matrix-methods.md says how)"
              .formatted(plan.method(), model.path(), FILE));
    }
    ModelDir file = ModelDir.open(path, Profile.REFERENCE);
    for (SafetensorsHeader header : file.shards()) {
      headers.put(header.path(), header.sha256());
    }
    return file.tensors();
  }

  private void requireSound(MergePlan plan) {
    int found = 0;
    for (var tensor : plan.tensors()) {
      if (tensor instanceof Merged merged) {
        found += of(merged).isEmpty() ? 0 : 1;
      }
    }
    if (found == 0) {
      throw WeightloomException.input(
          "Cannot merge with %s: no tensor's name is found in all of the models' %s (name each Gram matrix after its weight)"
              .formatted(plan.method(), FILE));
    }
  }

  /** The Gram matrices of a tensor, one a model in the merge's order; empty if it has none. */
  List<TensorLocation> of(Merged merged) {
    List<TensorLocation> grams = new ArrayList<>();
    if (byModel.isEmpty()) {
      return grams;
    }
    List<String> without = new ArrayList<>();
    for (int k = 0; k < merged.models().size(); k++) {
      TensorSpec weight = merged.merge().inputs().get(k).spec();
      TensorLocation gram = byModel.get(merged.models().get(k)).get(weight.name());
      if (gram == null) {
        without.add(merged.merge().inputs().get(k).model());
      } else {
        grams.add(requireFits(gram, weight));
      }
    }
    if (!grams.isEmpty() && !without.isEmpty()) {
      throw WeightloomException.input(
          "Cannot merge %s: there is no Gram matrix of it in the %s of %s (add it, or remove it from the others)"
              .formatted(merged.output().name(), FILE, String.join(", ", without)));
    }
    return grams;
  }

  private static TensorLocation requireFits(TensorLocation gram, TensorSpec weight) {
    List<Long> dims = weight.shape().dims();
    boolean fits =
        dims.size() == 2
            && gram.spec().shape().equals(Shape.of(dims.get(1), dims.get(1)))
            && gram.spec().dtype().isComputed();
    if (!fits) {
      throw WeightloomException.input(
          "Cannot use the Gram matrix of %s in %s: it is %s %s, the weight is %s (a weight of n columns needs n × n in a float dtype)"
              .formatted(
                  weight.name(),
                  gram.file(),
                  gram.spec().dtype(),
                  gram.spec().shape(),
                  weight.shape()));
    }
    return gram;
  }
}
