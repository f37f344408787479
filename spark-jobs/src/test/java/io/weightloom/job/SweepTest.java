package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.recipe.ParamValue;
import io.weightloom.recipe.Recipe;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which recipes a sweep stands for, and what they are called. */
class SweepTest {
  private static final String PLAIN =
      """
      merge_method: ties
      base_model: zoo/base
      models:
        - model: org/math
          parameters: {weight: 1.0, density: 0.5}
        - model: org/code
          parameters: {weight: 1.0}
      """;

  private static Sweep sweep(String sweep, String... sets) {
    return Sweep.parse("recipe.yml", PLAIN + sweep, List.of(sets));
  }

  private static List<String> names(Sweep sweep) {
    return sweep.candidates().stream().map(Sweep.Candidate::name).toList();
  }

  private static Object parameter(Sweep.Candidate candidate, String name) {
    ParamValue value = candidate.recipe().recipe().parameters().get(name);
    return ((ParamValue.Scalar) java.util.Objects.requireNonNull(value)).value();
  }

  @Test
  void aMapOfPathsIsAGridWhoseLastPathVariesFastest() {
    Sweep sweep =
        sweep("weightloom: {sweep: {parameters.lambda: [0.5, 1], parameters.density: [0.2, 0.4]}}");

    assertThat(names(sweep))
        .containsExactly(
            "lambda=0.5,density=0.2",
            "lambda=0.5,density=0.4",
            "lambda=1,density=0.2",
            "lambda=1,density=0.4");
    assertThat(parameter(sweep.candidates().get(2), "lambda")).isEqualTo(1.0);
    assertThat(parameter(sweep.candidates().get(2), "density")).isEqualTo(0.2);
    assertThat(sweep.candidates().get(1).values())
        .isEqualTo(Map.of("parameters.lambda", 0.5, "parameters.density", 0.4));
  }

  @Test
  void aListOfMapsNamesTheCombinations() {
    Sweep sweep =
        sweep(
            """
            weightloom:
              scope: model
              sweep:
                - {parameters.lambda: 0.5, weightloom.election: count}
                - {parameters.lambda: 0.7}
            """);

    assertThat(names(sweep)).containsExactly("lambda=0.5,election=count", "lambda=0.7");
    assertThat(sweep.candidates().get(0).recipe().recipe().extensions())
        .isEqualTo(Map.of("scope", "model", "election", "count"));
    assertThat(sweep.candidates().get(1).recipe().recipe().extensions())
        .isEqualTo(Map.of("scope", "model"));
  }

  @Test
  void optionsMakeAGridOfTheirOwnAndGoBeforeTheRecipe() {
    assertThat(names(sweep("", "parameters.lambda=0.1,0.2", "parameters.normalize=true,false")))
        .containsExactly(
            "lambda=0.1,normalize=true",
            "lambda=0.1,normalize=false",
            "lambda=0.2,normalize=true",
            "lambda=0.2,normalize=false");
    assertThat(names(sweep("weightloom: {sweep: {parameters.lambda: [5]}}", "parameters.lambda=6")))
        .containsExactly("lambda=6");
    assertThat(
            names(
                sweep(
                    "weightloom: {sweep: [{parameters.lambda: 5}, {parameters.lambda: 6}]}",
                    "parameters.density=0.5,0.6")))
        .containsExactly(
            "lambda=5,density=0.5",
            "lambda=5,density=0.6",
            "lambda=6,density=0.5",
            "lambda=6,density=0.6");
  }

  @Test
  void rangesCountInDecimalAndHoldBothEnds() {
    assertThat(names(sweep("", "parameters.lambda=0.1:0.3:0.1")))
        .containsExactly("lambda=0.1", "lambda=0.2", "lambda=0.3");
    assertThat(
            names(
                sweep("weightloom: {sweep: {parameters.lambda: {from: 0.8, to: 2.5, step: 0.1}}}")))
        .hasSize(18)
        .endsWith("lambda=2.5");
  }

  @Test
  void itemsAreNamedByModelByNumberOrAll() {
    Sweep byName = sweep("", "models[math].parameters.weight=0.5,0.7");
    assertThat(names(byName)).containsExactly("math.weight=0.5", "math.weight=0.7");
    Recipe recipe = byName.candidates().get(0).recipe().recipe();
    assertThat(recipe.models().get(0).parameters())
        .isEqualTo(
            Map.of("weight", new ParamValue.Scalar(0.5), "density", new ParamValue.Scalar(0.5)));
    assertThat(recipe.models().get(1).parameters())
        .isEqualTo(Map.of("weight", new ParamValue.Scalar(1.0)));

    Sweep byReference = sweep("", "models[org/code].parameters.density=0.25");
    assertThat(byReference.candidates().get(0).recipe().recipe().models().get(1).parameters())
        .containsEntry("density", new ParamValue.Scalar(0.25));
    Sweep all = sweep("", "models[*].parameters.density=0.25");
    assertThat(all.candidates().get(0).recipe().recipe().models())
        .allSatisfy(
            m -> assertThat(m.parameters()).containsEntry("density", new ParamValue.Scalar(0.25)));
    assertThat(names(sweep("", "models[0].parameters.weight=2", "models[1].parameters.weight=3")))
        .containsExactly("0.weight=2,1.weight=3");
  }

  @Test
  void methodsAndGradientsCanBeTriedToo() {
    assertThat(names(sweep("", "merge_method=ties,dare_ties")))
        .containsExactly("merge_method=ties", "merge_method=dare_ties");
    assertThat(names(sweep("", "parameters.lambda=1,[0,0.5,1]")))
        .containsExactly("lambda=1", "lambda=_0_0.5_1_");
  }

  @ParameterizedTest
  @ValueSource(strings = {"models.first=1:2:1", "models.first=1,2"})
  void theFirstModelsCanBeTried(String set) {
    Sweep sweep = sweep("", set);

    assertThat(names(sweep)).containsExactly("first=1", "first=2");
    assertThat(sweep.candidates().get(0).values()).isEqualTo(Map.of("models.first", 1));
    assertThat(models(sweep, 0)).containsExactly("org/math");
    assertThat(models(sweep, 1)).containsExactly("org/math", "org/code");
    assertThat(names(sweep("weightloom: {sweep: {models.first: {from: 1, to: 2, step: 1}}}")))
        .containsExactly("first=1", "first=2");
  }

  private static List<String> models(Sweep sweep, int candidate) {
    return sweep.candidates().get(candidate).recipe().recipe().models().stream()
        .map(Recipe.Source::model)
        .toList();
  }

  /** Whichever path is written first. */
  @Test
  void aModelThatIsLeftOutMayBeNamed() {
    Sweep sweep = sweep("", "models.first=1,2", "models[code].parameters.weight=3");

    assertThat(names(sweep)).containsExactly("first=1,code.weight=3", "first=2,code.weight=3");
    assertThat(models(sweep, 0)).containsExactly("org/math");
    assertThat(sweep.candidates().get(1).recipe().recipe().models().get(1).parameters())
        .containsEntry("weight", new ParamValue.Scalar(3.0));
  }

  @Test
  void namesTooLongForADirectoryAreNumbers() {
    String many =
        "weightloom: {sweep: [{'models[math].parameters.weight': ["
            + "0.123456789, ".repeat(20)
            + "1]}]}";

    assertThat(names(sweep(many))).containsExactly("candidate-0001");
  }

  @Test
  void aCandidateIsARecipeThatReadsBackTheSame() {
    Sweep.Candidate candidate = sweep("", "parameters.lambda=0.25").candidates().get(0);

    RecipeYaml again = RecipeYaml.parse("again.yml", candidate.recipe().text());

    assertThat(again.recipe()).isEqualTo(candidate.recipe().recipe());
    assertThat(again.text()).doesNotContain("sweep");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "|  | Cannot sweep: the recipe names nothing to try",
        "weightloom: {sweep: 3} | | Cannot sweep: weightloom.sweep holds 3",
        "weightloom: {sweep: {parameters.lambda: []}} | | parameters.lambda has an empty list",
        "weightloom: {sweep: [3]} | | an item of weightloom.sweep is 3",
        "weightloom: {sweep: {parameters.lambda: {from: 1, to: 0, step: 1}}} | | count upwards",
        "| parameters.lambda | has no =",
        "| parameters.lambda=1:2:x | whose parts must be numbers",
        "| parameters.lambda=1,1 | some values are tried twice",
        "| parameters.lamda=1 | parameters.lamda: unknown parameter of ties (did you mean lambda?)",
        "| models[physics].parameters.weight=1 | no item physics, there are 0 org/math, 1 org/code",
        "| models.first=0 | the recipe has 2 models, and 0 is asked for (give whole numbers",
        "| models.first=3 | the recipe has 2 models, and 3 is asked for",
        "| models.first=1.5 | the recipe has 2 models, and 1.5 is asked for",
        "| models.first=math | the recipe has 2 models, and math is asked for",
        "| models[0=1 | a bracket is not closed",
        "| .=1 | it has an empty step",
        "| merge_method.x=1 | merge_method holds ties, not keys",
        "| parameters.lambda=0:20:0.001 | has 10001 combinations or more",
      })
  void whatIsWrongIsSaid(String sweep, String set, String message) {
    String extra = sweep == null ? "" : sweep;
    String[] sets = set == null ? new String[0] : new String[] {set};

    assertThatThrownBy(() -> sweep(extra, sets))
        .isInstanceOfSatisfying(
            WeightloomException.class,
            e -> assertThat(e.kind()).isEqualTo(WeightloomException.Kind.USAGE))
        .hasMessageContaining(message);
  }

  @Test
  void aMergeRefusesASweep() {
    assertThatThrownBy(
            () ->
                RecipeYaml.parse("r.yml", PLAIN + "weightloom: {sweep: {parameters.lambda: [1]}}"))
        .hasMessage(
            "Cannot use the recipe: weightloom.sweep: this makes many models (run weightloom"
                + " sweep, or remove it)");
  }
}
