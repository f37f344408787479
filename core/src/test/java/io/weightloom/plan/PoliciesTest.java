package io.weightloom.plan;

import static io.weightloom.plan.Planning.EMBEDDING;
import static io.weightloom.plan.Planning.HEAD;
import static io.weightloom.plan.Planning.NORM;
import static io.weightloom.plan.Planning.entry;
import static io.weightloom.plan.Planning.find;
import static io.weightloom.plan.Planning.merged;
import static io.weightloom.plan.Planning.query;
import static io.weightloom.plan.Planning.tensor;
import static io.weightloom.plan.Planning.tensors;
import static io.weightloom.plan.Planning.up;
import static io.weightloom.plan.Planning.with;
import static io.weightloom.plan.Planning.without;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.plan.PlannedTensor.Tied;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of tensors that do not fit together, policy by policy. */
class PoliciesTest {
  private static final List<TensorSpec> TENSORS = tensors(DType.BF16, 2);

  private static Planning task(Object... policies) {
    return Planning.of("task_arithmetic")
        .set("base_model", "b")
        .set("weightloom", policies(policies))
        .model("b", TENSORS)
        .models(entry("a", "weight", 1), entry("c", "weight", 1));
  }

  private static Planning linear(Object... policies) {
    return Planning.of("linear")
        .set("weightloom", policies(policies))
        .models(entry("a", "weight", 1), entry("c", "weight", 1));
  }

  private static Map<String, Object> policies(Object... keysAndWords) {
    return keysAndWords.length == 2
        ? Map.of((String) keysAndWords[0], keysAndWords[1])
        : Map.of(
            (String) keysAndWords[0], keysAndWords[1], (String) keysAndWords[2], keysAndWords[3]);
  }

  private static List<String> models(MergePlan plan, String tensor) {
    return merged(plan, tensor).merge().inputs().stream().map(TensorMerge.Input::model).toList();
  }

  private static Shape shape(MergePlan plan, String tensor) {
    return find(plan, tensor).output().shape();
  }

  @Test
  void aModelThatLacksATensorTakesNoPartInIt() {
    MergePlan plan =
        task("missing", "skip-model")
            .model("a", TENSORS)
            .model("c", without(up(1), TENSORS))
            .plan();

    assertThat(models(plan, up(1))).containsExactly("a");
    assertThat(merged(plan, up(1)).merge().params().numbers("weight")).hasSize(1);
    assertThat(models(plan, up(0))).containsExactly("a", "c");
    assertThat(plan.treated()).isEqualTo(Map.of(up(1), "merged without c"));
  }

  @Test
  void whatNoModelHasIsTheBases() {
    MergePlan plan =
        task("missing", "skip-model")
            .model("a", without(up(1), TENSORS))
            .model("c", without(up(1), TENSORS))
            .plan();

    Copied copied = (Copied) find(plan, up(1));
    assertThat(plan.models().get(copied.model()).reference()).isEqualTo("b");
    assertThat(copied.reason()).isEqualTo("the base's: a, c lack it");
    assertThat(plan.treated()).containsEntry(up(1), "the base's: a, c lack it");
  }

  @ParameterizedTest
  @ValueSource(strings = {"skip-model", "keep-base"})
  void whatTheBaseLacksIsLeftOut(String policy) {
    TensorSpec extra = tensor("model.layers.0.mlp.gate_proj.weight", DType.BF16, 6, 4);

    MergePlan plan =
        task("missing", policy).model("a", with(extra, TENSORS)).model("c", TENSORS).plan();

    assertThat(plan.tensors()).noneMatch(t -> t.output().name().equals(extra.name()));
    assertThat(plan.treated()).isEqualTo(Map.of(extra.name(), "left out: b lacks it"));
  }

  @Test
  void theBaseMayBeKeptWhereAModelLacksATensor() {
    MergePlan plan =
        task("missing", "keep-base").model("a", TENSORS).model("c", without(NORM, TENSORS)).plan();

    assertThat(((Copied) find(plan, NORM)).reason()).isEqualTo("the base's: c lacks it");
    assertThat(plan.treated()).containsOnlyKeys(NORM);
  }

  @Test
  void withoutABaseAllTensorsOfAllModelsAreMerged() {
    MergePlan plan =
        linear("missing", "skip-model")
            .model("a", without(NORM, TENSORS))
            .model("c", without(query(0), TENSORS))
            .plan();

    assertThat(models(plan, NORM)).containsExactly("c");
    assertThat(models(plan, query(0))).containsExactly("a");
    assertThat(plan.tensors()).hasSize(TENSORS.size());
    assertThat(plan.treated())
        .isEqualTo(Map.of(NORM, "merged without a", query(0), "merged without c"));
  }

  @Test
  void keepingABaseNeedsOne() {
    linear("missing", "keep-base")
        .model("a", TENSORS)
        .model("c", TENSORS)
        .fails(Kind.USAGE)
        .hasMessageContaining("weightloom.missing: keep-base needs a base model");
  }

  @Test
  void wholeModelStatisticsNeedAllModelsEverywhere() {
    Planning.of("ties")
        .set("base_model", "b")
        .set("weightloom", Map.of("missing", "skip-model", "scope", "model"))
        .model("b", TENSORS)
        .model("a", TENSORS)
        .model("c", without(up(0), TENSORS))
        .models(entry("a", "weight", 1), entry("c", "weight", 1))
        .fails(Kind.USAGE)
        .hasMessageContaining("model-wide statistics need every model in every tensor");
  }

  private static List<TensorSpec> vocabulary(long rows, long columns) {
    return with(tensor(EMBEDDING, DType.BF16, rows, columns), TENSORS);
  }

  @Test
  void aModelOfAnotherShapeTakesNoPart() {
    MergePlan plan =
        task("mismatched", "skip-model").model("a", vocabulary(9, 4)).model("c", TENSORS).plan();

    assertThat(models(plan, EMBEDDING)).containsExactly("c");
    assertThat(shape(plan, EMBEDDING)).isEqualTo(Shape.of(8, 4));
    assertThat(plan.treated()).isEqualTo(Map.of(EMBEDDING, "merged without a of another shape"));
  }

  @Test
  void whereAllAreOfAnotherShapeTheBaseIsKept() {
    MergePlan plan =
        task("mismatched", "skip-model")
            .model("a", vocabulary(9, 4))
            .model("c", vocabulary(9, 4))
            .plan();

    assertThat(((Copied) find(plan, EMBEDDING)).reason())
        .isEqualTo("the base's: a, c of another shape");
  }

  @Test
  void theBaseMayBeKeptWhereShapesDiffer() {
    MergePlan plan =
        task("mismatched", "keep-base").model("a", vocabulary(9, 4)).model("c", TENSORS).plan();

    assertThat(((Copied) find(plan, EMBEDDING)).reason()).isEqualTo("the base's: shapes differ");
  }

  @Test
  void theCommonSubmatrixIsMerged() {
    MergePlan plan =
        task("mismatched", "common-submatrix")
            .model("a", vocabulary(9, 3))
            .model("c", vocabulary(7, 5))
            .plan();

    Merged merged = merged(plan, EMBEDDING);
    assertThat(shape(plan, EMBEDDING)).isEqualTo(Shape.of(7, 3));
    assertThat(merged.merge().inputs())
        .allSatisfy(i -> assertThat(i.spec().shape()).isEqualTo(Shape.of(7, 3)));
    assertThat(plan.treated())
        .isEqualTo(
            Map.of(
                EMBEDDING,
                "merged of the common [7, 3] (b has [8, 4], a has [9, 3], c has [7, 5])"));
    assertThat(merged.inputBytes()).isEqualTo(3 * 21 * 2);
  }

  @Test
  void otherNumbersOfDimensionsHaveNoCommonSubmatrix() {
    task("mismatched", "common-submatrix")
        .model("a", with(tensor(NORM, DType.BF16, 4, 1), TENSORS))
        .model("c", TENSORS)
        .fails(Kind.INPUT)
        .hasMessageContaining("there is no common submatrix of other numbers of dimensions");
  }

  @Test
  void theFirstRowsOfTheBaseAreTaken() {
    MergePlan plan =
        task("mismatched", "truncate-base-rows")
            .model("a", vocabulary(6, 4))
            .model("c", vocabulary(6, 4))
            .plan();

    assertThat(shape(plan, EMBEDDING)).isEqualTo(Shape.of(6, 4));
    assertThat(plan.treated().get(EMBEDDING)).startsWith("merged of the first 6 rows of the base");
  }

  @Test
  void onlyTheBaseIsTruncated() {
    task("mismatched", "truncate-base-rows")
        .model("a", vocabulary(9, 4))
        .model("c", vocabulary(9, 4))
        .fails(Kind.INPUT)
        .hasMessageContaining("truncate-base-rows needs a base with more rows than all models");
  }

  @Test
  void tensorsThatAreNotComputedOnMayBeAnError() {
    List<TensorSpec> counted = with(tensor("steps", DType.I64, 1), TENSORS);

    assertThat(
            find(
                task("non_float", "copy")
                    .model("b", counted)
                    .model("a", counted)
                    .model("c", counted)
                    .plan(),
                "steps"))
        .isInstanceOf(Copied.class);
    task("non_float", "error")
        .model("b", counted)
        .model("a", counted)
        .model("c", counted)
        .fails(Kind.INPUT)
        .hasMessageContaining("steps is I64, which is not computed on");
  }

  @Test
  void tiedTensorsAreMergedOnceAndWrittenEach() {
    MergePlan plan =
        task("tied", List.of(List.of(EMBEDDING, HEAD)))
            .model("a", TENSORS)
            .model("c", TENSORS)
            .plan();

    Tied tied = (Tied) find(plan, HEAD);
    assertThat(plan.tensors().get(tied.to()).output().name()).isEqualTo(EMBEDDING);
    assertThat(tied.output().shape()).isEqualTo(Shape.of(8, 4));
    assertThat(plan.scopes()).hasSize(TENSORS.size() - 1);
    assertThat(plan.tensors()).hasSize(TENSORS.size());
  }

  @Test
  void tiesMustFit() {
    task("tied", List.of(List.of(EMBEDDING, NORM)))
        .model("a", TENSORS)
        .model("c", TENSORS)
        .fails(Kind.INPUT)
        .hasMessageContaining(EMBEDDING + " and " + NORM + " differ in shape");
    task("tied", List.of(List.of("x", "y")))
        .model("a", TENSORS)
        .model("c", TENSORS)
        .fails(Kind.USAGE)
        .hasMessageContaining("weightloom.tied: the models have none of x, y");
  }

  @Test
  void nothingIsSaidWhereNothingHadToBeDone() {
    MergePlan plan =
        task("missing", "skip-model", "mismatched", "common-submatrix")
            .model("a", TENSORS)
            .model("c", TENSORS)
            .plan();

    assertThat(plan.treated()).isEmpty();
    assertThat(plan.warnings()).isEmpty();
  }
}
