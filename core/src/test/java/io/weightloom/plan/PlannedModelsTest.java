package io.weightloom.plan;

import static io.weightloom.plan.Planning.EMBEDDING;
import static io.weightloom.plan.Planning.HEAD;
import static io.weightloom.plan.Planning.NORM;
import static io.weightloom.plan.Planning.entry;
import static io.weightloom.plan.Planning.find;
import static io.weightloom.plan.Planning.merged;
import static io.weightloom.plan.Planning.tensor;
import static io.weightloom.plan.Planning.tensors;
import static io.weightloom.plan.Planning.up;
import static io.weightloom.plan.Planning.with;
import static io.weightloom.plan.Planning.without;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which models take part, and whether their tensors fit together. */
class PlannedModelsTest {

  private static Planning task() {
    return Planning.of("task_arithmetic")
        .set("base_model", "b")
        .llama("b", 2)
        .models(entry("a", "weight", 1), entry("c", "weight", 1));
  }

  private static Planning linear() {
    return Planning.of("linear").models(entry("a", "weight", 1), entry("c", "weight", 1));
  }

  @Test
  void tensorsComeInNaturalOrder() {
    MergePlan plan = Planning.of("linear").llama("a", 11).models(entry("a", "weight", 1)).plan();

    assertThat(plan.tensors().stream().map(t -> t.output().name()))
        .startsWith(HEAD, EMBEDDING, up(0))
        .containsSubsequence(up(2), up(10), NORM)
        .hasSize(25);
    assertThat(plan.inputBytes()).isEqualTo(plan.outputBytes()).isEqualTo(2 * plan.parameters());
  }

  @Test
  void baseAmongTheModelsIsStillTheBase() {
    MergePlan plan =
        task()
            .llama("a", 2)
            .llama("c", 2)
            .models(
                Map.of("model", "b"),
                entry("a", "weight", 1),
                Map.of("model", "b"),
                entry("c", "weight", 1))
            .plan();

    assertThat(merged(plan, up(0)).models())
        .hasSize(2)
        .doesNotContain(merged(plan, up(0)).baseModel());
    assertThat(plan.warnings()).isEmpty();
  }

  @Test
  void parametersOfTheBaseAreWithoutEffectAndSaidToBe() {
    MergePlan plan =
        task().llama("a", 2).models(entry("b", "weight", 1), entry("a", "weight", 1)).plan();

    assertThat(plan.warnings())
        .containsExactly("models[0]: parameters of the base model have no effect");
  }

  @Test
  void sameModelTwiceIsRefused() {
    linear()
        .llama("a", 2)
        .models(entry("a", "weight", 1), entry("a", "weight", 2))
        .fails(Kind.USAGE)
        .hasMessage(
            "Cannot use the recipe: models[1]: a is the same model as models[0] (give it one entry"
                + " with the parameters that you mean)");
  }

  @Test
  void twoReferencesToOneLocationAreOneModel() {
    List<TensorSpec> same = tensors(DType.BF16, 1);
    linear()
        .model(ModelInfo.of("a", "/zoo/a", same, false))
        .model(ModelInfo.of("./zoo/../zoo/a", "/zoo/a", same, false))
        .models(entry("a", "weight", 1), entry("./zoo/../zoo/a", "weight", 1))
        .fails(Kind.USAGE)
        .hasMessageContaining("models[1]: ./zoo/../zoo/a is the same model as models[0]");
  }

  @Test
  void missingBaseIsSaid() {
    Planning.of("ties")
        .llama("a", 1)
        .models(entry("a", "weight", 1))
        .fails(Kind.USAGE)
        .hasMessageContaining("base_model: ties needs a base model (add base_model:)");
  }

  @Test
  void slerpHasItsBaseAmongTheModels() {
    MergePlan plan =
        Planning.of("slerp")
            .set("base_model", "b")
            .set("parameters", Map.of("t", List.of(0, 1)))
            .llama("b", 3)
            .llama("a", 3)
            .models(entry("b"), entry("a"))
            .plan();

    assertThat(merged(plan, up(0)).models()).hasSize(1);
    assertThat(merged(plan, up(0)).merge().base()).isNotNull();
    assertThat(merged(plan, up(1)).merge().params().number("t")).isEqualTo(0.5);
    assertThat(plan.reads()).isEqualTo(2);
  }

  @Test
  void aNumberForAllModelsMayBeRequired() {
    Planning.of("slerp")
        .set("base_model", "b")
        .llama("b", 1)
        .llama("a", 1)
        .models(entry("b"), entry("a"))
        .fails(Kind.USAGE)
        .hasMessage("Cannot use the recipe: parameters: slerp needs t (add parameters: {t: ...})");
  }

  @Test
  void aBaseMayBeOptional() {
    Planning nuslerp =
        Planning.of("nuslerp")
            .llama("a", 1)
            .llama("b", 1)
            .llama("c", 1)
            .models(entry("a", "weight", 1), entry("c", "weight", 1));

    assertThat(merged(nuslerp.plan(), up(0)).merge().base()).isNull();

    MergePlan withBase = nuslerp.set("base_model", "b").plan();
    assertThat(merged(withBase, up(0)).merge().base()).isNotNull();
    assertThat(merged(withBase, up(0)).models()).hasSize(2);
  }

  @Test
  void aBaseMayBeOneMoreModel() {
    Planning karcher = Planning.of("karcher").llama("a", 1).llama("b", 1).set("base_model", "b");

    MergePlan added = karcher.models(entry("a")).plan();
    MergePlan listed = karcher.models(entry("b"), entry("a")).plan();

    assertThat(merged(added, up(0)).merge().base()).isNull();
    assertThat(merged(added, up(0)).models()).hasSize(2);
    assertThat(merged(listed, up(0)).models()).hasSize(2);
  }

  @Test
  void baseAloneIsNotEnough() {
    task()
        .models(Map.of("model", "b"))
        .fails(Kind.USAGE)
        .hasMessage(
            "Cannot use the recipe: models: task_arithmetic merges at least 1 model beside the"
                + " base, found 0");
  }

  @Test
  void missingAndExtraTensorsAreAllListed() {
    TensorSpec extra = tensor("model.layers.0.mlp.gate_proj.weight", DType.BF16, 6, 4);

    task()
        .model("a", without(up(1), tensors(DType.BF16, 2)))
        .model("c", with(extra, without(NORM, tensors(DType.BF16, 2))))
        .fails(Kind.INPUT)
        .hasMessage(
            "Cannot merge with task_arithmetic: 3 problems of the models"
                + "\n  - a lacks "
                + up(1)
                + "\n  - c has model.layers.0.mlp.gate_proj.weight, which b lacks"
                + "\n  - c lacks model.norm.weight");
  }

  @Test
  void differentShapesAreAllListed() {
    task()
        .model("a", with(tensor(EMBEDDING, DType.BF16, 9, 4), tensors(DType.BF16, 2)))
        .model("c", with(tensor(up(1), DType.BF16, 4, 6), tensors(DType.BF16, 2)))
        .fails(Kind.INPUT)
        .hasMessage(
            "Cannot merge with task_arithmetic: 2 problems of the models"
                + "\n  - model.embed_tokens.weight differs in shape: b has [8, 4], a has [9, 4], c"
                + " has [8, 4]"
                + "\n  - model.layers.1.mlp.up_proj.weight differs in shape: b has [6, 4], a has"
                + " [6, 4], c has [4, 6]");
  }

  @Test
  void longListsAreCutShort() {
    task()
        .llama("a", 2)
        .model("b", tensors(DType.BF16, 30))
        .llama("c", 30)
        .fails(Kind.INPUT)
        .hasMessageStartingWith("Cannot merge with task_arithmetic: 56 problems of the models")
        .hasMessageEndingWith("\n  - and 36 more");
  }

  @Test
  void differentDtypesNeedTheRecipesWord() {
    linear()
        .llama("a", 0)
        .model("c", with(tensor(NORM, DType.F32, 4), tensors(DType.BF16, 0)))
        .fails(Kind.INPUT)
        .hasMessage(
            "Cannot merge with linear: model.norm.weight differs in dtype: a has BF16, c has F32"
                + " (set dtype: in the recipe)");
  }

  @Test
  void floatsAndIntegersDoNotMix() {
    linear()
        .set("dtype", "float32")
        .llama("a", 0)
        .model("c", with(tensor(NORM, DType.I64, 4), tensors(DType.BF16, 0)))
        .fails(Kind.INPUT)
        .hasMessage(
            "Cannot merge with linear: model.norm.weight differs in dtype: a has BF16, c has I64");
  }

  @Test
  void integersAreCopiedFromTheBaseOrTheFirst() {
    List<TensorSpec> tensors = with(tensor("position_ids", DType.I64, 4), tensors(DType.BF16, 2));

    MergePlan based = task().model("b", tensors).model("a", tensors).model("c", tensors).plan();
    MergePlan unbased = linear().model("a", tensors).model("c", tensors).plan();

    Copied ofBase = (Copied) find(based, "position_ids");
    assertThat(ofBase.reason()).isEqualTo("I64 is not computed on, taken from b");
    assertThat(based.models().get(ofBase.model()).reference()).isEqualTo("b");
    assertThat(ofBase.output()).isEqualTo(ofBase.source());
    assertThat(ofBase.inputBytes()).isEqualTo(32);
    Copied ofFirst = (Copied) find(unbased, "position_ids");
    assertThat(ofFirst.reason()).isEqualTo("I64 is not computed on, taken from a");
    assertThat(unbased.scopes()).hasSize(7);
  }

  @Test
  void eightBitFloatsAreCopiedToo() {
    List<TensorSpec> tensors = with(tensor(up(0), DType.F8_E4M3, 6, 4), tensors(DType.BF16, 1));

    MergePlan plan = linear().model("a", tensors).model("c", tensors).plan();

    assertThat(((Copied) find(plan, up(0))).reason()).startsWith("F8_E4M3 is not computed on");
  }

  @Test
  void headThatOneModelTiesIsMergedFromItsEmbedding() {
    List<TensorSpec> headless = without(HEAD, tensors(DType.BF16, 1));

    MergePlan plan =
        linear().llama("a", 1).model(ModelInfo.of("c", "/zoo/c", headless, true)).plan();

    assertThat(merged(plan, HEAD).merge().inputs())
        .extracting(i -> i.spec().name())
        .containsExactly(HEAD, EMBEDDING);
    assertThat(plan.warnings())
        .containsExactly(
            "c ties lm_head.weight to model.embed_tokens.weight, which is merged in its place");
  }

  @Test
  void headIsMergedEvenWhereTheFirstModelTiesIt() {
    List<TensorSpec> headless = without(HEAD, tensors(DType.BF16, 1));

    MergePlan plan =
        linear().model(ModelInfo.of("a", "/zoo/a", headless, true)).llama("c", 1).plan();

    assertThat(merged(plan, HEAD).merge().inputs())
        .extracting(i -> i.spec().name())
        .containsExactly(EMBEDDING, HEAD);
  }

  @Test
  void headThatAllTieStaysTied() {
    List<TensorSpec> headless = without(HEAD, tensors(DType.BF16, 1));

    MergePlan plan =
        linear()
            .model(ModelInfo.of("a", "/zoo/a", headless, true))
            .model(ModelInfo.of("c", "/zoo/c", headless, true))
            .plan();

    assertThat(plan.tensors()).noneMatch(t -> t.output().name().equals(HEAD));
    assertThat(plan.warnings()).isEmpty();
  }

  @Test
  void headThatIsMissingWithoutATieIsSaid() {
    linear()
        .llama("a", 1)
        .model("c", without(HEAD, tensors(DType.BF16, 1)))
        .fails(Kind.INPUT)
        .hasMessage("Cannot merge with linear: c lacks lm_head.weight");
  }

  /** A zoo may move; two models of the same name must still draw different masks. */
  @Test
  void masksAreKeyedByTheLastPartOfAReference() {
    List<TensorSpec> tensors = tensors(DType.BF16, 1);
    MergePlan plan =
        Planning.of("dare_linear")
            .set("base_model", "hub/base")
            .model("hub/base", tensors)
            .model("/zoo/math/", tensors)
            .model("x/code", tensors)
            .model("y/code", tensors)
            .models(
                entry("/zoo/math/", "weight", 1),
                entry("x/code", "weight", 1),
                entry("y/code", "weight", 1))
            .plan();

    assertThat(merged(plan, up(0)).merge().inputs())
        .extracting(TensorMerge.Input::model)
        .containsExactly("math", "code#2", "code#3");
    assertThat(plan.seed()).isEqualTo(42);
  }
}
