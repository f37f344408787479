package io.weightloom.job;

import static io.weightloom.job.BundleRecipes.BASE;
import static io.weightloom.job.BundleRecipes.EXTENSIONS;
import static io.weightloom.job.BundleRecipes.FEDZIP;
import static io.weightloom.job.BundleRecipes.MASKS;
import static io.weightloom.job.BundleRecipes.SHARED;
import static io.weightloom.job.BundleRecipes.TWIN;
import static io.weightloom.job.BundleRecipes.VECTOR;
import static java.util.stream.Collectors.joining;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.AdaptedModel;
import io.weightloom.io.AdaptedModel.Fold;
import io.weightloom.io.delta.DeltaStorage;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.MergeResult.TensorResult;
import io.weightloom.plan.MergePlanner;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.recipe.Policies;
import io.weightloom.recipe.Recipe;
import io.weightloom.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/**
 * Many fine-tuned models as one bundle: a base, one merged task vector, and for each model a mask
 * of a bit a parameter and a factor, from which the model is got back nearly as it was (TALL masks,
 * Wang et al., 2024; EMR-Merging, Huang et al., 2024); or a base and of each model its own task
 * vector, packed (FedZip, Malekijoo et al., 2021). All parts are written from one read. Or a shared
 * expert and for each model an adapter of what it knows beside it (Twin-Merging, Lu et al., 2024).
 */
public final class BundleJob {

  /** What a bundle says of itself. */
  public static final String FILE = "bundle.json";

  /** How many models use a parameter, tensor by tensor. */
  public static final String AGREEMENT = "agreement.csv";

  /** What each tensor takes in a bundle of packed task vectors. */
  public static final String SIZES = "sizes.csv";

  private static final String CODES = "codes";
  private static final String BASE_DIGESTS = "base_digests";
  private static final String EXPERT = "expert";
  private static final Set<String> METHODS = Set.of("consensus", "emr", FEDZIP, TWIN);
  private static final int SCHEMA = 1;

  private final RecipeYaml yaml;
  private final BundleRecipes recipes;
  private final MergePlanner.Options options;
  private final int blockElements;
  private final Progress progress;

  /**
   * @param yaml a recipe of {@code consensus}, {@code emr}, {@code fedzip} or {@code twin_merging}
   * @param blockElements elements read at a time from each model: a power of two
   */
  public BundleJob(
      RecipeYaml yaml, MergePlanner.Options options, int blockElements, Progress progress) {
    Recipe recipe = yaml.recipe();
    if (!METHODS.contains(recipe.method()) || !recipe.slices().isEmpty()) {
      throw WeightloomException.usage(
          "Cannot bundle by %s: a bundle is made by consensus, emr, fedzip or twin_merging, of whole models (change merge_method)"
              .formatted(recipe.method()));
    }
    this.yaml = yaml;
    this.recipes = new BundleRecipes(yaml);
    this.options = options;
    this.blockElements = blockElements;
    this.progress = progress;
  }

  /** How many models are bundled. */
  public int size() {
    return recipes.members().size();
  }

  /**
   * Everything that will be written, planned: the vector, the masks, the base; or the vectors that
   * are packed then, and the base.
   */
  public List<PreparedMerge> prepare(boolean withBase) {
    List<PreparedMerge> merges =
        PreparedMerge.all(
            recipes.parts(withBase).values().stream().map(RecipeYaml::recipe).toList(), options);
    if (recipes.isTwin()) {
      FactorPacking.requireFactors(merges.get(0));
    }
    return merges;
  }

  /**
   * Writes the bundle.
   *
   * @param merges as {@link #prepare} made them
   * @return bytes of the bundle's weights
   * @throws WeightloomException if it cannot; nothing is left under the output's name
   */
  public long run(
      SparkContext spark,
      Path output,
      boolean overwrite,
      boolean withBase,
      List<PreparedMerge> merges) {
    long bytes = merges.stream().mapToLong(m -> m.plan().outputBytes()).sum();
    merges.forEach(
        m ->
            new MergeRequest(yaml, output, options, overwrite, blockElements, progress)
                .requireWritable(m));
    try (OutputDir dir = OutputDir.open(output, overwrite, bytes)) {
      List<MergeRequest> requests = new ArrayList<>();
      recipes
          .parts(withBase)
          .forEach(
              (name, recipe) ->
                  requests.add(
                      new MergeRequest(
                          recipe, dir.path(name), options, false, blockElements, progress)));
      List<MergeResult> results = MergeJob.runAll(spark, requests, merges);
      if (recipes.isTwin()) {
        bytes = merges.get(0).plan().outputBytes() + factor(spark, dir, results);
      } else if (recipes.isPacked()) {
        bytes =
            pack(spark, dir, results)
                + (withBase ? merges.get(merges.size() - 1).plan().outputBytes() : 0);
      } else {
        dir.write(AGREEMENT, agreement(results.get(0)).getBytes(StandardCharsets.UTF_8));
      }
      dir.write(FILE, Json.pretty(describe(merges.get(0), results.get(0), withBase)));
      dir.publish();
    }
    return bytes;
  }

  /** Packs the models' vectors, whose dense form goes then. */
  private long pack(SparkContext spark, OutputDir dir, List<MergeResult> results) {
    Map<String, List<DeltaPacking.Row>> rows = new LinkedHashMap<>();
    List<String> names = recipes.names();
    for (int k = 0; k < names.size(); k++) {
      rows.put(
          names.get(k),
          DeltaPacking.run(
              spark,
              dir.path(recipes.partOf(names.get(k))),
              results.get(k),
              dir,
              CODES + "/" + names.get(k),
              progress));
    }
    dir.write(SIZES, DeltaPacking.table(rows).getBytes(StandardCharsets.UTF_8));
    dir.remove(VECTOR);
    return rows.values().stream().flatMap(List::stream).mapToLong(DeltaPacking.Row::bytes).sum();
  }

  /** Factors the models' experts, whose dense form goes then. */
  private long factor(SparkContext spark, OutputDir dir, List<MergeResult> results) {
    long bytes = 0;
    for (int k = 0; k < recipes.names().size(); k++) {
      Path dense = dir.path(recipes.partOf(recipes.names().get(k)));
      bytes += FactorPacking.run(spark, dense, results.get(k + 1), dir, expertOf(k), progress);
    }
    dir.remove(VECTOR);
    return bytes;
  }

  private String expertOf(int model) {
    return "experts/" + recipes.names().get(model);
  }

  private ObjectNode describe(PreparedMerge merge, MergeResult vector, boolean withBase) {
    ObjectNode bundle = Json.object();
    bundle.put("schema", SCHEMA);
    bundle.put("weightloom", Manifest.version());
    bundle.put("method", yaml.recipe().method());
    if (!merge.plan().variant().isEmpty()) {
      bundle.put("variant", merge.plan().variant());
    }
    int base = baseOf(merge);
    bundle.put("base", withBase && !recipes.isTwin() ? BASE : yaml.recipe().base().orElseThrow());
    merge.models().get(base).mainDType().ifPresent(d -> bundle.put("dtype", d.torchName()));
    if (recipes.isTwin()) {
      bundle.put(SHARED, SHARED);
    } else if (!recipes.isPacked()) {
      bundle.put("vector", VECTOR);
    }
    ArrayNode models = bundle.putArray("models");
    List<String> names = recipes.names();
    List<Double> rescalers = rescalers(vector, names.size());
    for (int k = 0; k < names.size(); k++) {
      ObjectNode model =
          models.addObject().put("name", names.get(k)).put("model", recipes.members().get(k));
      if (recipes.isTwin()) {
        model.put(EXPERT, expertOf(k));
      } else if (recipes.isPacked()) {
        model.put("codes", CODES + "/" + names.get(k));
      } else {
        model.put("mask", MASKS + "/" + names.get(k)).put("rescale", rescalers.get(k));
      }
    }
    bundle.set(BASE_DIGESTS, Json.tree(vector.inputDigests().get(base)));
    return bundle;
  }

  private int baseOf(PreparedMerge merge) {
    String base = yaml.recipe().base().orElseThrow();
    return IntStream.range(0, merge.plan().models().size())
        .filter(i -> merge.plan().models().get(i).reference().equals(base))
        .findFirst()
        .orElse(merge.plan().donor());
  }

  /** EMR's factors; 1 where the method has none. */
  private static List<Double> rescalers(MergeResult vector, int models) {
    return vector.tensors().stream()
        .map(t -> t.decisions().get("rescalers"))
        .filter(r -> r instanceof List)
        .map(r -> ((List<?>) r).stream().map(v -> ((Number) v).doubleValue()).toList())
        .findFirst()
        .orElseGet(() -> IntStream.range(0, models).mapToObj(k -> 1.0).toList());
  }

  /**
   * How many parameters of each tensor no model uses, one, two, …: where the method counts that.
   */
  private String agreement(MergeResult vector) {
    StringBuilder csv = new StringBuilder();
    List<String> head = new ArrayList<>(List.of("tensor", "parameters"));
    IntStream.rangeClosed(0, recipes.names().size()).forEach(k -> head.add("used_by_" + k));
    csv.append(Csv.line(head));
    for (TensorResult t : vector.tensors()) {
      List<Long> usedBy = t.counts().get("used_by");
      if (usedBy != null && t.planned() instanceof Merged m) {
        List<Object> line = new ArrayList<>();
        line.add(m.merge().output().name());
        line.add(m.merge().elements());
        line.addAll(usedBy);
        csv.append(Csv.line(line));
      }
    }
    return csv.toString();
  }

  /**
   * The recipe that gives back one model of a bundle.
   *
   * @param name the model's name in the bundle
   * @param base the base, where the bundle has none or another is meant
   */
  public static RecipeYaml unpacking(Path bundle, String name, @Nullable String base) {
    JsonNode described = read(bundle);
    List<String> names = new ArrayList<>();
    for (JsonNode model : described.path("models")) {
      names.add(model.path("name").asText());
      if (model.path("name").asText().equals(name)) {
        return unpacking(bundle, described, model, Optional.ofNullable(base));
      }
    }
    throw WeightloomException.usage(
        "Cannot unpack %s of %s: it has no such model (one of %s)"
            .formatted(name, bundle, names.stream().collect(joining(", "))));
  }

  private static RecipeYaml unpacking(
      Path bundle, JsonNode described, JsonNode model, Optional<String> base) {
    String own = described.path("base").asText();
    Map<String, Object> tree = new LinkedHashMap<>();
    if (model.has(EXPERT)) {
      if (base.isPresent()) {
        throw WeightloomException.usage(
            "Cannot unpack %s on %s: it has no base of its own but a shared expert (leave out --base)"
                .formatted(bundle, base.get()));
      }
      Fold expert = new Fold(bundle.resolve(model.path(EXPERT).asText()).toString(), 1);
      String shared = bundle.resolve(described.path(SHARED).asText()).toString();
      tree.put("merge_method", "passthrough");
      tree.put(
          "models", List.of(Map.of("model", new AdaptedModel(shared, List.of(expert)).path())));
      return RecipeYaml.of(bundle.resolve(FILE).toString(), tree);
    }
    tree.put("merge_method", "masked_task_vector");
    tree.put("base_model", base.orElse(own.equals(BASE) ? bundle.resolve(own).toString() : own));
    tree.put("dtype", described.path("dtype").asText(DType.F32.torchName()));
    if (model.has(CODES)) {
      String codes = DeltaStorage.path(bundle.resolve(model.path(CODES).asText()).toString());
      tree.put("models", List.of(Map.of("model", codes)));
      tree.put(EXTENSIONS, Map.of(Policies.MISSING, "keep-base"));
    } else {
      String vector = bundle.resolve(described.path("vector").asText()).toString();
      String mask = bundle.resolve(model.path("mask").asText()).toString();
      tree.put("models", List.of(Map.of("model", vector)));
      tree.put("parameters", Map.of("rescale", model.path("rescale").asDouble(1)));
      tree.put(EXTENSIONS, Map.of(Recipe.SIDE_TABLES, Map.of("mask", mask)));
    }
    return RecipeYaml.of(bundle.resolve(FILE).toString(), tree);
  }

  /**
   * Gives back a model.
   *
   * @param request with a recipe of {@link #unpacking}
   * @throws WeightloomException if the base is another than that of the bundle; nothing is left
   *     under the output's name then
   */
  public static MergeResult unpack(
      SparkContext spark, Path bundle, MergeRequest request, PreparedMerge merge) {
    JsonNode digests = read(bundle).path(BASE_DIGESTS);
    String base = request.recipe().recipe().base().orElse("");
    return MergeJob.run(
        spark, request, merge, result -> requireBase(digests, bundle, base, merge, result));
  }

  /** Of the base each tensor that was read must be the one that was bundled. */
  private static void requireBase(
      JsonNode digests, Path bundle, String base, PreparedMerge merge, MergeResult result) {
    for (int i = 0; i < merge.plan().models().size(); i++) {
      if (merge.plan().models().get(i).reference().equals(base)) {
        result
            .inputDigests()
            .get(i)
            .forEach(
                (tensor, digest) -> {
                  String bundled = digests.path(tensor).asText(digest);
                  if (!bundled.equals(digest)) {
                    throw WeightloomException.input(
                        "Cannot unpack %s: %s is not the base that it was made on, its %s has digest %s, not %s (give that base by --base)"
                            .formatted(bundle, base, tensor, digest, bundled));
                  }
                });
      }
    }
  }

  private static JsonNode read(Path bundle) {
    Path file = bundle.resolve(FILE);
    try {
      return new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw WeightloomException.input(
          "Cannot unpack %s: %s cannot be read, %s (name a directory that weightloom bundle made)"
              .formatted(bundle, file.getFileName(), e));
    }
  }
}
