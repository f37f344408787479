package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.merge.Numerics;
import io.weightloom.plan.MergePlanner;
import io.weightloom.testkit.TinyCheckpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Several models from one read are the models that as many merges write. */
@NullUnmarked
class ManyOutputsTest {

  private static final WorkPlan.Cut GRAINS = new WorkPlan.Cut(1, 0);

  static List<WorkPlan.Cut> cuts() {
    return List.of(new WorkPlan.Cut(1L << 40, 1L << 40), WorkPlan.Cut.DEFAULT, GRAINS);
  }

  @TempDir static Path zoo;
  @TempDir Path dir;

  @BeforeAll
  static void writeModels() {
    for (String model : List.of("base", "a", "b")) {
      TinyCheckpoint weights = Family.weights(model, "BF16");
      Family.add(weights, model, "BF16", "model.layers.1.large.weight", 2, (1 << 20) + 77);
      Family.add(weights, model, "F32", "model.layers.1.wide.weight", 3, 7001);
      weights.writeModel(zoo.resolve(model), Family.CONFIG);
    }
  }

  /** Methods of every shape; some with surveys, some of the whole model, some by rows. */
  private static Map<String, String> recipes(String root) {
    Map<String, String> recipes = new TreeMap<>();
    recipes.put("linear", recipe(root, "linear", ""));
    recipes.put("task", recipe(root, "task_arithmetic", "parameters: {lambda: 0.5}"));
    recipes.put("ties-30", recipe(root, "ties", "parameters: {density: 0.3}"));
    recipes.put("ties-30-half", recipe(root, "ties", "parameters: {density: 0.3, lambda: 0.5}"));
    recipes.put("ties-60", recipe(root, "ties", "parameters: {density: 0.6}"));
    recipes.put(
        "ties-model",
        recipe(root, "ties", "parameters: {density: 0.3}\nweightloom: {scope: model}"));
    recipes.put(
        "ties-model-half",
        recipe(
            root, "ties", "parameters: {density: 0.3, lambda: 0.5}\nweightloom: {scope: model}"));
    recipes.put("dare", recipe(root, "dare_ties", "parameters: {density: 0.4}"));
    recipes.put("della", recipe(root, "della", "parameters: {density: 0.5, epsilon: 0.1}"));
    recipes.put("karcher", recipe(root, "karcher", "").replaceAll("(?m)^    parameters.*\\n", ""));
    recipes.put("iso", recipe(root, "iso_c", "").replaceAll("(?m)^    parameters.*\\n", ""));
    return recipes;
  }

  private static String recipe(String root, String method, String extra) {
    return Family.recipe(Path.of("ZOO"), method, extra)
            .replace(Path.of("ZOO").toString() + "/", root + "/")
        + "dtype: bfloat16\n";
  }

  private List<MergeResult> together(Path out, Map<String, String> recipes, WorkPlan.Cut cut) {
    MergePlanner.Options options =
        new MergePlanner.Options(Numerics.ACCURATE, 5, MergePlanner.Options.SHARD_BYTES);
    List<RecipeYaml> yamls =
        recipes.values().stream().map(r -> RecipeYaml.parse("recipe.yml", r)).toList();
    List<MergeRequest> requests = new ArrayList<>();
    List<String> names = List.copyOf(recipes.keySet());
    for (int i = 0; i < names.size(); i++) {
      requests.add(
          new MergeRequest(
              yamls.get(i),
              out.resolve(names.get(i)),
              options,
              false,
              MergeRequest.BLOCK_ELEMENTS,
              MergeRequest.Progress.NONE));
    }
    return MergeJob.runAll(
        LocalSpark.get(),
        requests,
        PreparedMerge.all(yamls.stream().map(RecipeYaml::recipe).toList(), options),
        cut);
  }

  private static Map<String, byte[]> files(Path dir) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(dir)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(dir.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static void assertSame(Path actual, Path expected) throws IOException {
    Map<String, byte[]> wanted = files(expected);
    Map<String, byte[]> found = files(actual);
    assertThat(found.keySet()).isEqualTo(wanted.keySet()).isNotEmpty();
    wanted.forEach((name, bytes) -> assertThat(found.get(name)).as(name).isEqualTo(bytes));
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void everyFileIsWhatAMergeOfItsOwnWrites(WorkPlan.Cut cut) throws IOException {
    Map<String, String> recipes = recipes(zoo.toString());

    together(dir.resolve("together"), recipes, cut);

    recipes.forEach(
        (name, recipe) -> Merging.of(recipe).seed(5).into(dir.resolve("alone").resolve(name)));
    assertSame(dir.resolve("together"), dir.resolve("alone"));
  }

  /** What is no matrix is merged in the same task by a method with surveys and one without. */
  @Test
  void methodsOfEveryKindShareATask() throws IOException {
    Map<String, String> recipes = recipes(zoo.toString());
    recipes.keySet().retainAll(List.of("ties-30", "iso", "linear", "della"));

    together(dir.resolve("together"), recipes, WorkPlan.Cut.DEFAULT);

    recipes.forEach(
        (name, recipe) -> Merging.of(recipe).seed(5).into(dir.resolve("alone").resolve(name)));
    assertSame(dir.resolve("together"), dir.resolve("alone"));
  }

  /** The reads of the bytes of a model's merged tensors: the least and the most. */
  private static int[] reads(String model) {
    int least = Integer.MAX_VALUE;
    int most = 0;
    Path dir = zoo.resolve(model);
    for (TensorLocation t : ModelDir.open(dir.toString(), Profile.STRICT).tensors().values()) {
      if (t.spec().dtype().isComputed()) {
        int[] reads = CountedStorage.reads(Path.of(t.file()), (int) t.begin(), (int) t.end());
        least = Math.min(least, reads[0]);
        most = Math.max(most, reads[1]);
      }
    }
    return new int[] {least, most};
  }

  @Test
  void whatNeedsNoSurveyIsReadOnce() {
    Map<String, String> recipes = recipes(CountedStorage.path(zoo));
    recipes.keySet().retainAll(List.of("linear", "task"));
    for (double lambda : new double[] {0.1, 0.2, 0.7}) {
      recipes.put(
          "lambda=" + lambda,
          recipe(
              CountedStorage.path(zoo), "task_arithmetic", "parameters: {lambda: " + lambda + "}"));
    }
    CountedStorage.clear();

    together(dir, recipes, WorkPlan.Cut.DEFAULT);

    for (String model : List.of("base", "a", "b")) {
      assertThat(reads(model)).as(model).containsExactly(1, 1);
    }
  }

  /** The running averages of a training: one read, whatever their number. */
  @ParameterizedTest
  @MethodSource("cuts")
  void averagesOfTheFirstModelsComeFromOneRead(WorkPlan.Cut cut) throws IOException {
    List<String> order = List.of("b", "base", "a");
    Sweep sweep =
        Sweep.parse(
            "soup.yml", averages(order, CountedStorage.path(zoo)), List.of("models.first=1:3:1"));
    Map<String, String> recipes = new TreeMap<>();
    sweep.candidates().forEach(c -> recipes.put(c.name(), c.recipe().text()));
    CountedStorage.clear();

    together(dir.resolve("together"), recipes, cut);

    for (String model : order) {
      assertThat(reads(model)).as(model).containsExactly(1, 1);
    }
    for (int n = 1; n <= order.size(); n++) {
      Path alone = dir.resolve("alone").resolve("first=" + n);
      Merging.of(averages(order.subList(0, n), zoo.toString())).into(alone);
      assertThat(alone.resolve("model.safetensors"))
          .hasSameBinaryContentAs(
              dir.resolve("together").resolve("first=" + n).resolve("model.safetensors"));
    }
  }

  private static String averages(List<String> models, String root) {
    StringBuilder recipe = new StringBuilder("merge_method: model_soup\nmodels:\n");
    models.forEach(m -> recipe.append("  - model: %s/%s\n".formatted(root, m)));
    return recipe + "dtype: bfloat16\n";
  }

  @ParameterizedTest
  @MethodSource("cuts")
  void aSweepOfTiesReadsAsOftenAsOneMerge(WorkPlan.Cut cut) {
    Map<String, String> recipes = recipes(CountedStorage.path(zoo));
    recipes.keySet().retainAll(List.of("ties-30"));
    CountedStorage.clear();
    together(dir.resolve("one"), recipes, cut);
    int[] one = reads("a");
    for (double lambda : new double[] {0.1, 0.2, 0.7}) {
      recipes.put(
          "lambda=" + lambda,
          recipe(
              CountedStorage.path(zoo),
              "ties",
              "parameters: {density: 0.3, lambda: " + lambda + "}"));
    }
    recipes.put("linear", recipe(CountedStorage.path(zoo), "linear", ""));
    CountedStorage.clear();

    together(dir.resolve("many"), recipes, cut);

    assertThat(one[0]).isGreaterThanOrEqualTo(2);
    assertThat(reads("a")).isEqualTo(one);
    assertThat(reads("base")[1]).isEqualTo(one[1]);
  }

  /** What a survey does not look at does not divide it. */
  @Test
  void surveysAreSharedWhereTheyWouldFindTheSame() {
    assertThat(shares("ties-30", "ties-30-half")).isOne();
    assertThat(shares("ties-30", "ties-60")).isEqualTo(2);
    assertThat(shares("ties-model", "ties-model-half")).isOne();
    assertThat(shares("ties-model", "ties-model-half", "ties-30", "ties-30-half")).isEqualTo(2);
    assertThat(shares("linear", "task", "ties-60")).isOne();
  }

  /** How many look at the first span that is surveyed. */
  private int shares(String... names) {
    Map<String, String> recipes = recipes(zoo.toString());
    MergePlanner.Options options =
        new MergePlanner.Options(Numerics.ACCURATE, 5, MergePlanner.Options.SHARD_BYTES);
    List<PreparedMerge> merges =
        PreparedMerge.all(
            Stream.of(names).map(n -> RecipeYaml.parse("r.yml", recipes.get(n)).recipe()).toList(),
            options);
    List<OutputDir> outputs =
        Stream.of(names).map(n -> OutputDir.open(dir.resolve(n), false, 1)).toList();
    try {
      WorkPlan plan = new WorkPlan(merges, outputs, 2, GRAINS);
      return plan.surveys().stream()
          .mapToInt(w -> ((Work.SurveySpan) w).shares().size())
          .max()
          .orElseThrow();
    } finally {
      outputs.forEach(OutputDir::close);
    }
  }

  @Test
  void nothingIsLeftOfAnyWhereOneCannotBeMerged() throws IOException {
    TinyCheckpoint bad = new TinyCheckpoint();
    bad.add("w", "F32", new long[] {2}, 1, Double.NaN);
    bad.writeModel(dir.resolve("bad"), Family.CONFIG);
    TinyCheckpoint good = new TinyCheckpoint();
    good.add("w", "F32", new long[] {2}, 1, 2);
    good.writeModel(dir.resolve("good"), Family.CONFIG);
    Map<String, String> recipes = new TreeMap<>();
    recipes.put("fine", linear("good"));
    recipes.put("wrong", linear("bad"));

    assertThatThrownBy(() -> together(dir.resolve("out"), recipes, WorkPlan.Cut.DEFAULT))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("holds NaN at element 1 of w");

    try (Stream<Path> left = Files.list(dir.resolve("out"))) {
      assertThat(left).isEmpty();
    }
  }

  private String linear(String model) {
    return "merge_method: linear\nmodels: [{model: %s, parameters: {weight: 1}}]\n"
        .formatted(dir.resolve(model));
  }

  /** Two merges of other models share nothing, and are right all the same. */
  @Test
  void outputsMayBeOfOtherModels() {
    Map<String, String> recipes = new TreeMap<>();
    for (String model : List.of("a", "b")) {
      recipes.put(
          "of-" + model,
          "merge_method: linear\nmodels: [{model: %s, parameters: {weight: 1}}]\n"
              .formatted(zoo.resolve(model)));
    }

    together(dir.resolve("out"), recipes, WorkPlan.Cut.DEFAULT);

    for (String model : List.of("a", "b")) {
      assertThat(SavedModel.read(dir.resolve("out/of-" + model)).get(Family.EMBEDDING).data())
          .isEqualTo(SavedModel.read(zoo.resolve(model)).get(Family.EMBEDDING).data());
    }
  }
}
