package io.weightloom.plan;

import static io.weightloom.plan.Planning.NORM;
import static io.weightloom.plan.Planning.entry;
import static io.weightloom.plan.Planning.merged;
import static io.weightloom.plan.Planning.tensor;
import static io.weightloom.plan.Planning.tensors;
import static io.weightloom.plan.Planning.up;
import static io.weightloom.plan.Planning.with;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.error.WeightloomException.Kind;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.MergePlan.Shard;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Dtypes and files of the output. */
class PlannedOutputTest {

  private static Planning linear(DType dtype) {
    return Planning.of("linear").models(entry("a", "weight", 1)).model("a", tensors(dtype, 1));
  }

  private static TensorMerge up0(MergePlan plan) {
    return merged(plan, up(0)).merge();
  }

  @Test
  void outputHasTheDtypeOfTheModels() {
    MergePlan plan = linear(DType.F16).plan();

    assertThat(up0(plan).output().dtype()).isEqualTo(DType.F16);
    assertThat(up0(plan).compute()).isEqualTo(DType.F16);
    assertThat(plan.dtype()).contains(DType.F16);
  }

  @Test
  void dtypeIsTheOutputsToo() {
    MergePlan plan = linear(DType.F16).set("dtype", "float32").plan();

    assertThat(up0(plan).output().dtype()).isEqualTo(DType.F32);
    assertThat(up0(plan).compute()).isEqualTo(DType.F32);
    assertThat(plan.outputBytes()).isEqualTo(2 * plan.inputBytes());
  }

  @Test
  void outDtypeComesBeforeDtype() {
    MergePlan plan = linear(DType.F16).set("dtype", "float32").set("out_dtype", "bfloat16").plan();

    assertThat(up0(plan).output().dtype()).isEqualTo(DType.BF16);
    assertThat(up0(plan).compute()).isEqualTo(DType.F32);
    assertThat(plan.dtype()).contains(DType.BF16);
  }

  @Test
  void outDtypeAloneLeavesTheComputeDtypeNative() {
    MergePlan plan = linear(DType.F16).set("out_dtype", "float32").plan();

    assertThat(up0(plan).output().dtype()).isEqualTo(DType.F32);
    assertThat(up0(plan).compute()).isEqualTo(DType.F16);
  }

  @Test
  void outputOfMixedDtypesStaysMixed() {
    MergePlan plan =
        Planning.of("linear")
            .models(entry("a", "weight", 1))
            .model("a", with(tensor(NORM, DType.F32, 4), tensors(DType.BF16, 1)))
            .plan();

    assertThat(merged(plan, NORM).output().dtype()).isEqualTo(DType.F32);
    assertThat(up0(plan).output().dtype()).isEqualTo(DType.BF16);
    assertThat(plan.dtype()).isEmpty();
  }

  @Test
  void modelScopeDoesNotMixFp64WithOthers() {
    List<TensorSpec> mixed = with(tensor(NORM, DType.F64, 4), tensors(DType.BF16, 1));
    Planning.of("ties")
        .set("base_model", "b")
        .models(entry("a"))
        .set("weightloom", Map.of("variant", "reference"))
        .model("b", mixed)
        .model("a", mixed)
        .fails(Kind.INPUT)
        .hasMessage(
            "Cannot merge with ties: model-wide statistics need all tensors to be F64 or none");
  }

  @Test
  void keepingNonFiniteValuesIsPartOfThePlan() {
    assertThat(linear(DType.F16).plan().keepsNonFinite()).isFalse();
    assertThat(
            linear(DType.F16)
                .set("weightloom", Map.of("non_finite", "keep"))
                .plan()
                .keepsNonFinite())
        .isTrue();
  }

  @Test
  void oneFileHasNoNumber() {
    assertThat(linear(DType.BF16).plan().shards())
        .singleElement()
        .extracting(Shard::file)
        .isEqualTo("model.safetensors");
  }

  private static List<Shard> pack(long limit, long... sizes) {
    List<TensorSpec> tensors = new ArrayList<>();
    for (long size : sizes) {
      tensors.add(tensor("t" + tensors.size(), DType.U8, size));
    }
    return ShardLayout.of(tensors, limit);
  }

  private static List<List<String>> names(List<Shard> shards) {
    return shards.stream().map(s -> s.tensors().stream().map(TensorSpec::name).toList()).toList();
  }

  @Test
  void filesAreFilledInOrder() {
    List<Shard> shards = pack(10, 4, 6, 1, 9, 1);

    assertThat(names(shards))
        .containsExactly(List.of("t0", "t1"), List.of("t2", "t3"), List.of("t4"));
    assertThat(shards)
        .extracting(Shard::file)
        .containsExactly(
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors");
    assertThat(shards).extracting(Shard::byteSize).containsExactly(10L, 10L, 1L);
  }

  @Test
  void tensorLargerThanTheLimitIsAlone() {
    assertThat(names(pack(10, 4, 25, 3, 3)))
        .containsExactly(List.of("t0"), List.of("t1"), List.of("t2", "t3"));
    assertThat(names(pack(10, 25))).containsExactly(List.of("t0"));
  }

  @Test
  void emptyTensorsOpenNoFile() {
    assertThat(names(pack(10, 10, 0, 0, 5)))
        .containsExactly(List.of("t0", "t1", "t2"), List.of("t3"));
    assertThat(names(pack(10, 0, 0))).containsExactly(List.of("t0", "t1"));
  }

  @Test
  void limitOfThePlanIsUsed() {
    MergePlan plan = linear(DType.BF16).shardBytes(64).plan();

    assertThat(plan.shards()).hasSizeGreaterThan(1);
    assertThat(plan.shards()).allMatch(s -> s.byteSize() <= 64);
    assertThat(plan.shards().stream().flatMap(s -> s.tensors().stream()))
        .containsExactlyElementsOf(plan.tensors().stream().map(PlannedTensor::output).toList());
  }
}
