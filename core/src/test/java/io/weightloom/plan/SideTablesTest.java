package io.weightloom.plan;

import static io.weightloom.error.WeightloomException.Kind.INPUT;
import static io.weightloom.error.WeightloomException.Kind.USAGE;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tables beside the models: named in the recipe, found by tensor. */
class SideTablesTest {
  private static final TensorSpec WEIGHT = Planning.tensor("w", DType.F32, 4, 3);
  private static final TensorSpec BIAS = Planning.tensor("b", DType.F32, 3);

  private static Planning fisher(Object sideTables) {
    return Planning.of("fisher")
        .set("models", List.of(Map.of("model", "a"), Map.of("model", "c")))
        .set("weightloom", Map.of("side_tables", sideTables))
        .model("a", List.of(WEIGHT, BIAS))
        .model("c", List.of(WEIGHT, BIAS));
  }

  private static Map<String, Object> ofBoth() {
    return Map.of("fisher", Map.of("a", "/fa", "c", "/fc"));
  }

  @Test
  void eachModelsTableIsReadBesideIt() {
    MergePlan plan =
        fisher(ofBoth())
            .sideTable("fisher", "c", List.of(WEIGHT, BIAS))
            .sideTable("fisher", "a", List.of(WEIGHT, BIAS))
            .plan();

    Merged merged = (Merged) plan.tensors().get(0);
    assertThat(merged.sides()).containsExactly(1, 0);
    assertThat(merged.merge().sides())
        .extracting(TensorMerge.Side::table)
        .containsExactly("fisher of a", "fisher of c");
    assertThat(plan.inputBytes()).isEqualTo(4 * 4 * (12 + 3));
  }

  @Test
  void aTableThatLacksATensorOrHasAnotherShapeIsAnErrorThatNamesIt() {
    fisher(ofBoth())
        .sideTable("fisher", "a", List.of(WEIGHT))
        .sideTable("fisher", "c", List.of(Planning.tensor("w", DType.F32, 3, 4), BIAS))
        .fails(INPUT)
        .hasMessageContaining("the table fisher of a lacks b")
        .hasMessageContaining("w in the table fisher of c has shape [3, 4], not [4, 3]");
  }

  private static Planning atlas(List<TensorSpec> ofB, List<TensorSpec> ofC) {
    return Planning.of("atlas")
        .set("base_model", "a")
        .set("models", List.of(Map.of("model", "b"), Map.of("model", "c")))
        .set(
            "weightloom",
            Map.of("side_tables", Map.of("coefficients", Map.of("b", "/fb", "c", "/fc"))))
        .model("a", List.of(WEIGHT, BIAS))
        .model("b", List.of(WEIGHT, BIAS))
        .model("c", List.of(WEIGHT, BIAS))
        .sideTable("coefficients", "b", ofB)
        .sideTable("coefficients", "c", ofC);
  }

  @Test
  void tablesOfSomeTensorsMayLackTheOthersIfAllDo() {
    MergePlan plan = atlas(List.of(WEIGHT), List.of(WEIGHT)).plan();

    assertThat(plan.tensors())
        .extracting(t -> ((Merged) t).merge().firstSide("coefficients"))
        .containsExactlyInAnyOrder(0, -1);
    atlas(List.of(WEIGHT, BIAS), List.of(WEIGHT))
        .fails(INPUT)
        .hasMessageContaining("the table coefficients of c lacks b");
  }

  @Test
  void aTableOfWholeNumbersIsAnError() {
    fisher(ofBoth())
        .sideTable("fisher", "a", List.of(WEIGHT, BIAS))
        .sideTable("fisher", "c", List.of(WEIGHT, Planning.tensor("b", DType.I32, 3)))
        .fails(INPUT)
        .hasMessageContaining("b in the table fisher of c is I32, which is not computed on");
  }

  @Test
  void aModelWithoutATableAndATableWithoutAModelAreErrorsOfTheRecipe() {
    fisher(Map.of("fisher", Map.of("a", "/fa", "d", "/fd")))
        .sideTable("fisher", "a", List.of(WEIGHT, BIAS))
        .fails(USAGE)
        .hasMessageContaining("weightloom.side_tables.fisher: fisher needs this table of c")
        .hasMessageContaining("weightloom.side_tables.fisher.d: no model of the merge");
  }

  @Test
  void aMethodThatReadsNoTablesSaysSo() {
    assertThat(
            io.weightloom.recipe.RecipeReader.read(
                    Map.of(
                        "merge_method",
                        "linear",
                        "models",
                        List.of(Map.of("model", "a", "parameters", Map.of("weight", 1))),
                        "weightloom",
                        Map.of("side_tables", ofBoth())))
                .problems())
        .extracting(Object::toString)
        .containsExactly("weightloom.side_tables.fisher: linear reads no side tables (remove it)");
  }

  @Test
  void aMisspeltTableHasASuggestion() {
    assertThat(
            io.weightloom.recipe.RecipeReader.read(
                    Map.of(
                        "merge_method",
                        "fisher",
                        "models",
                        List.of(Map.of("model", "a"), Map.of("model", "c")),
                        "weightloom",
                        Map.of("side_tables", Map.of("fischer", Map.of("a", "/fa")))))
                .problems())
        .extracting(Object::toString)
        .containsExactly(
            "weightloom.side_tables.fischer: unknown side table (did you mean fisher?)");
  }
}
