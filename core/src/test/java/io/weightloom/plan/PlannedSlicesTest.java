package io.weightloom.plan;

import static io.weightloom.plan.Planning.EMBEDDING;
import static io.weightloom.plan.Planning.HEAD;
import static io.weightloom.plan.Planning.NORM;
import static io.weightloom.plan.Planning.merged;
import static io.weightloom.plan.Planning.query;
import static io.weightloom.plan.Planning.source;
import static io.weightloom.plan.Planning.tensor;
import static io.weightloom.plan.Planning.tensors;
import static io.weightloom.plan.Planning.up;
import static io.weightloom.plan.Planning.with;
import static io.weightloom.plan.Planning.without;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Layers stacked, renumbered and merged slice by slice. */
class PlannedSlicesTest {

  private static Map<String, Object> slice(Object... sources) {
    return Map.of("sources", List.of(sources));
  }

  private static String input(MergePlan plan, String tensor) {
    Merged merged = merged(plan, tensor);
    int model = merged.models().get(0);
    return plan.models().get(model).reference()
        + ":"
        + merged.merge().inputs().get(0).spec().name();
  }

  @Test
  void layersAreRenumberedInTheOrderOfTheSlices() {
    MergePlan plan =
        Planning.of("passthrough")
            .llama("a", 3)
            .llama("c", 4)
            .set("slices", List.of(slice(source("a", 0, 2)), slice(source("c", 1, 4))))
            .plan();

    assertThat(plan.layers()).containsExactly(Map.entry("model.layers", 5));
    assertThat(plan.tensors()).hasSize(2 * 5 + 3);
    assertThat(input(plan, up(0))).isEqualTo("a:" + up(0));
    assertThat(input(plan, query(1))).isEqualTo("a:" + query(1));
    assertThat(input(plan, up(2))).isEqualTo("c:" + up(1));
    assertThat(input(plan, query(4))).isEqualTo("c:" + query(3));
  }

  @Test
  void whatIsNotALayerComesFromTheFirstAndTheLastSlice() {
    MergePlan plan =
        Planning.of("passthrough")
            .llama("a", 3)
            .llama("c", 4)
            .set("slices", List.of(slice(source("a", 0, 2)), slice(source("c", 1, 4))))
            .plan();

    assertThat(input(plan, EMBEDDING)).isEqualTo("a:" + EMBEDDING);
    assertThat(input(plan, NORM)).isEqualTo("c:" + NORM);
    assertThat(input(plan, HEAD)).isEqualTo("c:" + HEAD);
    assertThat(plan.models().get(plan.donor()).reference()).isEqualTo("a");
  }

  @Test
  void baseModelIsTheDonor() {
    MergePlan plan =
        Planning.of("passthrough")
            .llama("a", 3)
            .llama("c", 4)
            .set("base_model", "c")
            .set("slices", List.of(slice(source("a", 0, 2))))
            .plan();

    assertThat(plan.models().get(plan.donor()).reference()).isEqualTo("c");
    assertThat(input(plan, EMBEDDING)).isEqualTo("a:" + EMBEDDING);
  }

  @Test
  void sameLayersMayBeStackedAgainUnderOtherNames() {
    MergePlan plan =
        Planning.of("passthrough")
            .llama("a", 2)
            .set("slices", List.of(slice(source("a", 0, 2)), slice(source("a", 0, 2))))
            .plan();

    assertThat(plan.layers()).containsEntry("model.layers", 4);
    assertThat(input(plan, up(3))).isEqualTo("a:" + up(1));
    assertThat(plan.models()).hasSize(1);
  }

  @Test
  void layersOfDifferentPlacesAreMerged() {
    MergePlan plan =
        Planning.of("linear")
            .llama("a", 3)
            .llama("c", 4)
            .set(
                "slices",
                List.of(slice(source("a", 0, 2, "weight", 1), source("c", 2, 4, "weight", 1))))
            .plan();

    assertThat(merged(plan, up(1)).merge().inputs())
        .extracting(i -> i.spec().name())
        .containsExactly(up(1), up(3));
  }

  @Test
  void baseTakesTheLayersOfItsOwnSource() {
    MergePlan plan =
        Planning.of("task_arithmetic")
            .llama("b", 4)
            .llama("a", 3)
            .set("base_model", "b")
            .set("slices", List.of(slice(source("b", 2, 4), source("a", 1, 3, "weight", 1))))
            .plan();

    assertThat(merged(plan, up(0)).merge().base()).isEqualTo(tensor(up(2), DType.BF16, 6, 4));
    assertThat(input(plan, up(0))).isEqualTo("a:" + up(1));
    assertThat(merged(plan, up(0)).merge().inputs()).hasSize(1);
  }

  @Test
  void baseThatIsNoSourceTakesTheLayersOfTheFirst() {
    MergePlan plan =
        Planning.of("task_arithmetic")
            .llama("b", 4)
            .llama("a", 3)
            .set("base_model", "b")
            .set("slices", List.of(slice(source("a", 1, 3, "weight", 1))))
            .plan();

    assertThat(merged(plan, up(0)).merge().base()).isEqualTo(tensor(up(1), DType.BF16, 6, 4));
  }

  @Test
  void sliceMayHaveABaseOfItsOwn() {
    MergePlan plan =
        Planning.of("task_arithmetic")
            .llama("b", 2)
            .llama("d", 2)
            .llama("a", 2)
            .set("base_model", "b")
            .set(
                "slices",
                List.of(
                    slice(source("a", 0, 1, "weight", 1)),
                    Map.of("base_model", "d", "sources", List.of(source("a", 1, 2, "weight", 1)))))
            .plan();

    assertThat(plan.models().get(merged(plan, up(0)).baseModel()).reference()).isEqualTo("b");
    assertThat(plan.models().get(merged(plan, up(1)).baseModel()).reference()).isEqualTo("d");
  }

  @Test
  void rangeBehindTheLastLayerIsSaid() {
    Planning.of("passthrough")
        .llama("a", 3)
        .set("slices", List.of(slice(source("a", 0, 2)), slice(source("a", 1, 5))))
        .fails(Kind.USAGE)
        .hasMessage(
            "Cannot use the recipe: slices[1].sources[0].layer_range: ends at layer 5, but a has 3"
                + " layers");
  }

  @Test
  void missingAndExtraTensorsOfTheLayersAreAllListed() {
    Planning.of("task_arithmetic")
        .model("b", without(query(1), tensors(DType.BF16, 4)))
        .model("a", without(up(1), tensors(DType.BF16, 3)))
        .model("c", with(tensor("model.extra", DType.BF16, 1), tensors(DType.BF16, 4)))
        .set("base_model", "b")
        .set(
            "slices",
            List.of(slice(source("a", 0, 2, "weight", 1), source("c", 2, 4, "weight", 1))))
        .fails(Kind.INPUT)
        .hasMessage(
            "Cannot merge with task_arithmetic: 4 problems of the models"
                + "\n  - b lacks %s"
                + "\n  - c has %s, which a lacks"
                + "\n  - b has %s, which a lacks"
                + "\n  - c has model.extra, which b lacks",
            query(1), up(3), up(1));
  }

  @Test
  void layersThatAreNotTakenNeedNoCounterpart() {
    MergePlan plan =
        Planning.of("linear")
            .model("a", without(up(2), tensors(DType.BF16, 3)))
            .model("c", with(tensor(up(3) + ".extra", DType.BF16, 1), tensors(DType.BF16, 4)))
            .set(
                "slices",
                List.of(slice(source("a", 0, 2, "weight", 1), source("c", 1, 3, "weight", 1))))
            .plan();

    assertThat(plan.tensors()).hasSize(7);
  }

  @Test
  void passthroughTakesOneSource() {
    Planning.of("passthrough")
        .llama("a", 3)
        .llama("c", 3)
        .set("slices", List.of(slice(source("a", 0, 2), source("c", 0, 2))))
        .fails(Kind.USAGE)
        .hasMessage(
            "Cannot use the recipe: slices[0]: passthrough merges exactly 1 model, found 2");
  }
}
