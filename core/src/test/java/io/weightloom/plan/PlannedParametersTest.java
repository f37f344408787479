package io.weightloom.plan;

import static io.weightloom.plan.Planning.EMBEDDING;
import static io.weightloom.plan.Planning.HEAD;
import static io.weightloom.plan.Planning.NORM;
import static io.weightloom.plan.Planning.entry;
import static io.weightloom.plan.Planning.params;
import static io.weightloom.plan.Planning.query;
import static io.weightloom.plan.Planning.source;
import static io.weightloom.plan.Planning.up;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.error.WeightloomException.Kind;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which value of a parameter holds for a tensor. */
class PlannedParametersTest {

  private static Planning ties() {
    return Planning.of("ties").set("base_model", "b").llama("b", 5).llama("a", 5).llama("c", 5);
  }

  private static double[] weights(MergePlan plan, String tensor) {
    return params(plan, tensor).numbers("weight");
  }

  @Test
  void sourceComesBeforeSliceBeforeTopBeforeVariantBeforeMethod() {
    MergePlan plan =
        Planning.of("dare_linear")
            .llama("b", 1)
            .llama("a", 1)
            .llama("c", 1)
            .set("base_model", "b")
            .set("parameters", Map.of("weight", 3, "normalize", true))
            .set("weightloom", Map.of("variant", "fusionbench"))
            .set(
                "slices",
                List.of(
                    Map.of(
                        "sources",
                        List.of(source("a", 0, 1, "weight", 1), source("c", 0, 1)),
                        "parameters",
                        Map.of("weight", 2, "normalize", false))))
            .plan();

    assertThat(weights(plan, up(0))).containsExactly(1, 2);
    assertThat(params(plan, up(0)).flag("normalize")).isFalse();
    assertThat(params(plan, up(0)).numbers("density")).containsExactly(0.5, 0.5);
    assertThat(params(plan, up(0)).number("lambda")).isEqualTo(0.3);
    assertThat(params(plan, up(0)).flag("rescale")).isTrue();
    assertThat(params(plan, up(0)).choice("rescale_by")).isEqualTo("density");
    assertThat(params(plan, up(0)).choice("mask_strategy")).isEqualTo("random");
    assertThat(plan.variant()).isEqualTo("fusionbench");
  }

  @Test
  void topLevelComesBeforeTheVariant() {
    MergePlan plan =
        ties()
            .models(entry("a"), entry("c", "density", 0.5))
            .set("parameters", Map.of("density", 0.3, "lambda", 0.9))
            .set("weightloom", Map.of("variant", "fusionbench", "trim", "exact", "scope", "tensor"))
            .plan();

    assertThat(params(plan, up(0)).numbers("density")).containsExactly(0.3, 0.5);
    assertThat(weights(plan, up(0))).containsExactly(1, 1);
    assertThat(params(plan, up(0)).number("lambda")).isEqualTo(0.9);
    assertThat(params(plan, up(0)).choice("trim")).isEqualTo("exact");
    assertThat(params(plan, up(0)).choice("zero_sign")).isEqualTo("majority");
  }

  @Test
  void firstVariantHoldsWhereNoneIsNamed() {
    MergePlan plan = ties().models(entry("a", "weight", 1), entry("c", "weight", 1)).plan();

    assertThat(plan.variant()).isEqualTo("mergekit");
    assertThat(params(plan, up(0)).choice("trim")).isEqualTo("exact");
    assertThat(params(plan, up(0)).numbers("density")).containsExactly(1, 1);
  }

  @Test
  void filterWithoutMatchFallsThroughToTheNextLevel() {
    MergePlan plan =
        ties()
            .models(entry("a", "weight", Map.of("filter", "mlp", "value", 0.5)), entry("c"))
            .set("parameters", Map.of("weight", 0.25))
            .plan();

    assertThat(weights(plan, up(3))).containsExactly(0.5, 0.25);
    assertThat(weights(plan, query(3))).containsExactly(0.25, 0.25);
  }

  @Test
  void aSettingOfTheMethodMayBeForOneTensor() {
    MergePlan plan = aligning(Map.of("filter", "lm_head", "value", 2), Map.of("value", 0));

    assertThat(params(plan, HEAD).number("first_new")).isEqualTo(2);
    assertThat(params(plan, up(0)).number("first_new")).isZero();
    assertThat(plan.warnings()).isEmpty();
    assertThat(aligning(Map.of("value", 2)).warnings())
        .anySatisfy(w -> assertThat(w).startsWith(up(0) + " is in a layer and no classifier"));
  }

  private static MergePlan aligning(Object... firstNew) {
    return Planning.of("weight_aligning")
        .llama("a", 1)
        .models(entry("a"))
        .set("parameters", Map.of("first_new", List.of(firstNew)))
        .plan();
  }

  @Test
  void missingWeightIsSaidOfEachModel() {
    ties()
        .models(entry("a"), entry("c", "weight", Map.of("filter", "mlp", "value", 1)))
        .fails(Kind.USAGE)
        .hasMessage(
            "Cannot use the recipe: 2 problems of the recipe"
                + "\n  - models[0]: ties needs weight for a (add parameters: {weight: ...})"
                + "\n  - models[1]: ties needs weight for c (add parameters: {weight: ...})");
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "1, 0.5", "2, 1", "3, 0.75", "4, 0.5"})
  void gradientRunsOverTheLayers(int layer, double expected) {
    MergePlan plan =
        ties().models(entry("a", "weight", List.of(0, 1, 0.5)), entry("c", "weight", 1)).plan();

    assertThat(weights(plan, up(layer))).containsExactly(expected, 1);
  }

  @Test
  void gradientBeginsWithTheEmbeddingAndEndsWithTheHead() {
    MergePlan plan =
        ties().models(entry("a", "weight", List.of(0, 1)), entry("c", "weight", 1)).plan();

    assertThat(weights(plan, EMBEDDING)).containsExactly(0, 1);
    assertThat(weights(plan, NORM)).containsExactly(1, 1);
    assertThat(weights(plan, HEAD)).containsExactly(1, 1);
    assertThat(plan.warnings()).isEmpty();
  }

  @Test
  void mergekitGivesTheHeadTheFirstValueAndWeSaySo() {
    MergePlan plan =
        ties()
            .mergekit()
            .models(entry("a", "weight", List.of(0.25, 1)), entry("c", "weight", 1))
            .plan();

    assertThat(weights(plan, HEAD)).containsExactly(0.25, 1);
    assertThat(weights(plan, NORM)).containsExactly(0.25, 1);
    assertThat(plan.warnings())
        .containsExactly(
            "as in mergekit, final norm and head take the first value of a gradient (accurate"
                + " numerics give them the last)");
  }

  @Test
  void withoutGradientThereIsNothingToSay() {
    assertThat(
            ties()
                .mergekit()
                .models(entry("a", "weight", 1), entry("c", "weight", 1))
                .plan()
                .warnings())
        .isEmpty();
  }

  @Test
  void sliceOfOneLayerTakesTheLastValue() {
    MergePlan plan =
        Planning.of("passthrough")
            .llama("a", 3)
            .set(
                "slices",
                List.of(
                    Map.of("sources", List.of(source("a", 1, 2, "scale", List.of(0.5, 2)))),
                    Map.of("sources", List.of(source("a", 0, 2, "scale", List.of(0.5, 2))))))
            .plan();

    assertThat(params(plan, up(0)).numbers("scale")).containsExactly(2);
    assertThat(params(plan, up(1)).numbers("scale")).containsExactly(0.5);
    assertThat(params(plan, up(2)).numbers("scale")).containsExactly(2);
  }

  /** Input layer 2 of a model becomes output layer 0. */
  @Test
  void modelsFiltersSeeInputNamesAndGlobalOnesOutputNames() {
    Map<String, Object> second = Map.of("filter", "layers.2.", "value", 0.5);
    Map<String, Object> zeroth = Map.of("filter", "layers.0.", "value", 0.25);
    MergePlan plan =
        Planning.of("task_arithmetic")
            .llama("b", 4)
            .llama("a", 4)
            .set("base_model", "b")
            .set(
                "slices",
                List.of(
                    Map.of(
                        "sources",
                        List.of(
                            source("b", 2, 4),
                            source("a", 2, 4, "weight", List.of(second, Map.of("value", 1)))),
                        "parameters",
                        Map.of("lambda", List.of(zeroth, Map.of("value", 1))))))
            .plan();

    assertThat(weights(plan, up(0))).containsExactly(0.5);
    assertThat(weights(plan, up(1))).containsExactly(1);
    assertThat(params(plan, up(0)).number("lambda")).isEqualTo(0.25);
    assertThat(params(plan, up(1)).number("lambda")).isEqualTo(1);
  }

  @Test
  void weightsThatCancelAreRefused() {
    Planning.of("linear")
        .llama("a", 1)
        .llama("c", 1)
        .models(entry("a", "weight", 0.5), entry("c", "weight", -0.5))
        .fails(Kind.USAGE)
        .hasMessage(
            "Cannot use the recipe: models: the weights sum to 0.0 (change a weight, or set"
                + " normalize: false)");
  }

  @Test
  void modelScopeNeedsOneDensityAModel() {
    ties()
        .models(entry("a", "density", List.of(0.2, 0.4)), entry("c", "density", 0.3))
        .set("weightloom", Map.of("variant", "reference"))
        .fails(Kind.USAGE)
        .hasMessage(
            "Cannot use the recipe: weightloom.scope: model-wide statistics need one density a"
                + " model (remove gradients and filters)");
  }

  @Test
  void modelScopeIsOneScopeOfAllTensors() {
    MergePlan plan =
        ties()
            .models(entry("a", "density", 0.2), entry("c", "density", 0.3, "weight", List.of(0, 1)))
            .set("weightloom", Map.of("variant", "reference"))
            .plan();

    assertThat(plan.scopes()).containsExactly(IntStream.range(0, 13).boxed().toList());
    assertThat(plan.reads()).isEqualTo(4);
    assertThat(weights(plan, up(4))).containsExactly(1, 1);
  }

  @Test
  void tensorScopeIsAScopeATensor() {
    MergePlan plan = ties().models(entry("a", "weight", 1), entry("c", "weight", 1)).plan();

    assertThat(plan.scopes()).hasSize(13).allMatch(s -> s.size() == 1);
    assertThat(plan.reads()).isEqualTo(1);
  }
}
