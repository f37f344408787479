package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ShardIndex;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.MergePlan.Shard;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Merged;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/**
 * The files of a model beside its weights: config and tokenizer of the donor, card, recipe,
 * manifest and, last, the index.
 */
final class ModelFiles {
  private static final int LIMIT = 1 << 30;
  private static final List<String> LAYER_COUNTS =
      List.of("num_hidden_layers", "n_layer", "n_layers", "num_layers");
  private static final String TIED = "tie_word_embeddings";
  private static final String VOCABULARY = "vocab_size";

  /** The recipe's name in the output, which other tools look for. */
  static final String RECIPE = "mergekit_config.yml";

  private final PreparedMerge merge;
  private final MergeRequest request;
  private final MergeResult result;

  ModelFiles(PreparedMerge merge, MergeRequest request, MergeResult result) {
    this.merge = merge;
    this.request = request;
    this.result = result;
  }

  void writeTo(OutputDir output) {
    MergePlan plan = merge.plan();
    if (isModel()) {
      writeCompanions(output);
    }
    output.write(RECIPE, request.recipe().text().getBytes(StandardCharsets.UTF_8));
    String card = new ModelCard(merge, request, result).text();
    output.write("README.md", card.getBytes(StandardCharsets.UTF_8));
    output.write(Manifest.FILE, Json.pretty(Manifest.of(merge, request, result)));
    if (plan.shards().size() > 1) {
      output.write("model.safetensors.index.json", index().toJson());
    }
  }

  /** Parts of a bundle have neither config nor tokenizer. */
  private boolean isModel() {
    MergeMethod method = MergeMethods.named(merge.plan().method()).orElseThrow();
    return merge.plan().tensors().stream()
        .noneMatch(
            t ->
                t instanceof Merged m
                    && method.yields(m.merge().params()) != MergeMethod.Yield.MODEL);
  }

  private void writeCompanions(OutputDir output) {
    ModelDir donor = merge.models().get(merge.plan().donor());
    Storage storage = Storage.of(donor.path());
    for (String name : donor.companionFiles()) {
      output.write(name, storage.readAll(storage.resolve(donor.path(), name), LIMIT));
    }
    ObjectNode config = config(donor.config());
    if (!config.isEmpty()) {
      output.write("config.json", Json.pretty(config));
    }
  }

  private ObjectNode config(ObjectNode config) {
    MergePlan plan = merge.plan();
    plan.dtype()
        .ifPresent(
            dtype -> {
              if (config.has("dtype")) {
                config.put("dtype", dtype.torchName());
              }
              if (config.has("torch_dtype") || !config.has("dtype")) {
                config.put("torch_dtype", dtype.torchName());
              }
            });
    plan.layers().values().stream()
        .reduce(Math::max)
        .ifPresent(
            layers ->
                LAYER_COUNTS.stream()
                    .filter(config::has)
                    .forEach(key -> config.put(key, layers.intValue())));
    if (config.path(TIED).asBoolean() && hasHeadOfItsOwn()) {
      config.put(TIED, false);
    }
    vocabulary(config.path(VOCABULARY).asLong(-1)).ifPresent(rows -> config.put(VOCABULARY, rows));
    JsonNode types = config.get("layer_types");
    if (types != null && !plan.layers().isEmpty()) {
      config.remove("layer_types");
    }
    return config;
  }

  /** The rows of the embeddings, if a policy has cut those that the donor's config speaks of. */
  private OptionalLong vocabulary(long donors) {
    Map<String, TensorLocation> own = merge.models().get(merge.plan().donor()).tensors();
    return merge.plan().tensors().stream()
        .map(PlannedTensor::output)
        .filter(t -> t.shape().rank() == 2 && merge.plan().treated().containsKey(t.name()))
        .filter(t -> rows(own, t.name()) == donors && t.shape().dims().get(0) != donors)
        .mapToLong(t -> t.shape().dims().get(0))
        .findFirst();
  }

  private static long rows(Map<String, TensorLocation> tensors, String name) {
    TensorLocation found = tensors.get(name);
    return found == null || found.spec().shape().rank() == 0
        ? -1
        : found.spec().shape().dims().get(0);
  }

  /** Whether a model whose donor's head is its embedding has got a head from another. */
  private boolean hasHeadOfItsOwn() {
    Set<String> donors = merge.models().get(merge.plan().donor()).tensors().keySet();
    return merge.plan().tensors().stream()
        .map(t -> t.output().name())
        .anyMatch(name -> name.endsWith("lm_head.weight") && !donors.contains(name));
  }

  private ShardIndex index() {
    Map<String, String> files = new TreeMap<>();
    for (Shard shard : merge.plan().shards()) {
      shard.tensors().forEach(t -> files.put(t.name(), shard.file()));
    }
    return new ShardIndex(
        files,
        OptionalLong.of(
            merge.layouts().stream()
                .flatMap(l -> l.tensors().stream())
                .mapToLong(t -> t.spec().byteSize())
                .sum()),
        OptionalLong.of(merge.plan().parameters()));
  }
}
