package io.weightloom.merge;

import static io.weightloom.linalg.Matrices.random;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.Gram;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How often each method goes over the weights, the emission included. */
class ReadsPerMethodTest {

  /**
   * The most reads of any variant on BF16 weights, method by method; of matrix methods on matrices
   * of one block of rows, which one task reads from first to last. Of a larger matrix the base is
   * read once more with each task vector.
   */
  private static final Map<String, Integer> MOST =
      Map.ofEntries(
          entry("adamerging", 4), // As TIES, where it takes TIES' entries.
          entry("arcee_fusion", 3),
          entry("atlas", 1),
          entry("breadcrumbs", 3),
          entry("breadcrumbs_ties", 3),
          entry("concrete", 2), // The mean of the mask, which lies in a table.
          entry("consensus", 4), // As TIES, where the masks are of TIES' vector.
          entry("dare_linear", 2),
          entry("dare_ties", 4), // The majority sign takes one of its own.
          entry("darex", 2), // The sums of each row, where tables give activations.
          entry("della", 2),
          entry("della_linear", 2),
          entry("ema", 1),
          entry("emr", 1),
          entry("expo", 1),
          entry("fedzip", 4),
          entry("fisher", 2),
          entry("flag_aggregator", 2),
          entry("interpolation", 1),
          entry("iso_c", 2),
          entry("iso_cts", 3),
          entry("karcher", 2),
          entry("knots", 2),
          entry("linear", 1),
          entry("magmax", 1),
          entry("masked_task_vector", 1),
          entry("model_soup", 1),
          entry("model_stock", 2),
          entry("multislerp", 2),
          entry("nearswap", 1),
          entry("nuslerp", 2),
          entry("passthrough", 1),
          entry("pcb", 5),
          entry("ram", 1),
          entry("ramplus_tl", 2),
          entry("ratatouille", 1),
          entry("regmean", 2),
          entry("rws", 2),
          entry("sce", 3),
          entry("slerp", 2),
          entry("svc", 2),
          entry("target_variance_rescaling", 2),
          entry("task_arithmetic", 1),
          entry("ties", 5), // The vote by shares of the norm takes one more.
          entry("tsv_m", 1),
          entry("twin_merging", 2),
          entry("variance_corrected", 3),
          entry("warp", 2),
          entry("weight_aligning", 2),
          entry("wudi", 2));

  static List<MethodCase> elementwise() {
    return MethodCase.all();
  }

  static List<MethodCase> ofMatrices() {
    return MethodCase.ofMatrices();
  }

  @Test
  void everyListedMethodIsThere() {
    assertThat(MergeMethods.names()).containsAll(MOST.keySet());
  }

  @ParameterizedTest
  @MethodSource("elementwise")
  void elementwise(MethodCase method) {
    int models = method.models();
    MergeInMemory merge = method.busy(models).dtype(DType.BF16).seed(3);
    RandomModels.add(merge, "t", 70_000, models, DType.BF16, DType.BF16);

    int reads = merge.run().reads();

    assertThat(reads).as("reads of %s", method).isLessThanOrEqualTo(most(method));
  }

  /** Rows that are looked at first are not read once more where they are whole blocks. */
  @ParameterizedTest
  @MethodSource("elementwise")
  void noByteIsReadTwiceInARead(MethodCase method) {
    int rows = 7;
    int models = method.models();
    MergeInMemory merge = method.busy(models).dtype(DType.BF16).seed(3);
    merge.shape("t", rows, Arith.CAPACITY);
    RandomModels.add(merge, "t", rows * Arith.CAPACITY, models, DType.BF16, DType.BF16);

    int reads = merge.run().reads();

    long bytes = (long) rows * Arith.CAPACITY * DType.BF16.bytes();
    assertThat(merge.mostBytesRead()).as("of %s", method).isLessThanOrEqualTo(reads * bytes);
  }

  @ParameterizedTest
  @MethodSource("ofMatrices")
  void ofMatrices(MethodCase method) {
    MatrixInMemory merge = MatrixInMemory.of(method.spec().name());
    merge = method.variant().isEmpty() ? merge : merge.variant(method.variant());
    if (!method.spec().sideTables().isEmpty()) {
      merge.grams(
          Stream.of(1, 2, 3)
              .map(k -> new Gram(LinAlgRegistry.reference(), 12).add(random(14, 12, k)).matrix())
              .toArray(Matrix[]::new));
    }

    int[] reads =
        merge
            .dtype(DType.F32)
            .run(random(16, 12, 1), random(16, 12, 2), random(16, 12, 3), random(16, 12, 4))
            .reads();

    assertThat(Arrays.stream(reads).max().orElse(0)).isLessThanOrEqualTo(most(method));
  }

  /** A method that is not listed is held to its own word by the runs themselves. */
  private static int most(MethodCase method) {
    return MOST.getOrDefault(method.spec().name(), Integer.MAX_VALUE);
  }
}
