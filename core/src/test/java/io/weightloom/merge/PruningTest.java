package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.Matrix;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What pruning takes away: how many, which of those that tie, and what stays as it is. */
class PruningTest {

  private static MergeInMemory pruning(String method, double sparsity) {
    return MergeInMemory.of(method).set("sparsity", sparsity).set("targets", "all");
  }

  /** Which elements a stable sort keeps: of equal magnitudes the first go first. */
  private static boolean[] keptBySort(double[] scores, long pruned) {
    Integer[] order = IntStream.range(0, scores.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingDouble(i -> Math.abs(scores[i])));
    boolean[] kept = new boolean[scores.length];
    Arrays.fill(kept, true);
    for (int i = 0; i < pruned; i++) {
      kept[order[i]] = false;
    }
    return kept;
  }

  private static double[] masked(double[] weights, boolean[] kept) {
    double[] out = weights.clone();
    Arrays.setAll(out, i -> kept[i] ? weights[i] : 0);
    return out;
  }

  /** Values of which many are equal and some are 0. */
  private static double[] tied(int n, long seed) {
    Random random = new Random(seed);
    double[] values = new double[n];
    Arrays.setAll(values, i -> (random.nextInt(41) - 20) / 8.0);
    return values;
  }

  @ParameterizedTest
  @CsvSource({"0, 0.29, 29", "0, 0.5, 50", "0, 0.999, 99", "0, 0, 0", "0, 1, 100", "7, 0.07, 7"})
  void prunesExactlyTheFloorAndTheFirstOfThoseThatTie(long seed, double sparsity, int pruned) {
    double[] weights = tied(100, seed);

    MergeInMemory.Result result =
        pruning("magnitude_pruning", sparsity).dtype(DType.F32).tensor(weights, weights).run();

    assertThat(result.values()).isEqualTo(masked(weights, keptBySort(weights, pruned)));
    assertThat(result.kept().get(0)).containsExactly(100 - pruned);
  }

  @ParameterizedTest
  @ValueSource(strings = {"BF16", "F16", "F32", "F64"})
  void aSpanThatEndsAmongTiesIsPrunedAsAFullSortWould(String dtype) {
    int n = Span.GRAIN * 2 + 12_345;
    double[] weights = tied(n, 3);
    long pruned = (long) (n * 0.6);

    MergeInMemory.Result result =
        pruning("magnitude_pruning", 0.6)
            .dtype(DType.valueOf(dtype))
            .grains(1)
            .shuffled(5)
            .tensor(weights, weights)
            .run();

    assertThat(Arrays.equals(result.values(), masked(weights, keptBySort(weights, pruned))))
        .isTrue();
    assertThat(result.kept().get(0)).containsExactly(n - pruned);
  }

  @Test
  void oneThresholdForTheModelIsAFullSortOfAllTensors() {
    double[] a = tied(1000, 1);
    double[] b = tied(3000, 2);
    double[] all =
        IntStream.range(0, 4000).mapToDouble(i -> i < 1000 ? a[i] : b[i - 1000]).toArray();
    double[] wanted = masked(all, keptBySort(all, 2800));

    MergeInMemory.Result result =
        pruning("magnitude_pruning", 0.7)
            .set("scope", "model")
            .dtype(DType.BF16)
            .tensor(a, a)
            .tensor(b, b)
            .run();

    assertThat(result.values(0)).isEqualTo(Arrays.copyOf(wanted, 1000));
    assertThat(result.values(1)).isEqualTo(Arrays.copyOfRange(wanted, 1000, 4000));
  }

  @Test
  void whatIsNoTargetStaysAndDoesNotCount() {
    double[] norm = {0.001, 0.002};
    double[] weights = {4, -3, 2, -1};
    MergeInMemory merge =
        MergeInMemory.of("magnitude_pruning")
            .set("sparsity", 0.5)
            .set("scope", "model")
            .dtype(DType.F32)
            .shape("model.layers.0.up.weight", 2, 2);
    merge.tensor("model.norm.weight", null, Stored.of(DType.F32, norm));
    merge.tensor("model.layers.0.up.weight", null, Stored.of(DType.F32, weights));

    MergeInMemory.Result result = merge.run();

    assertThat(result.values(0)).isEqualTo(Stored.of(DType.F32, norm).values());
    assertThat(result.values(1)).containsExactly(4, -3, 0, 0);
  }

  @ParameterizedTest
  @CsvSource({"floor, 2, 4", "round, 3, 3", "ties, 5, 1", "beyond, 5, 1"})
  void countsAsTheReferencesDo(String count, int ignored, int kept) {
    // s·n = 2.5 rounds to 2 in halves to even; of ties all four 1s go with the second smallest.
    double[] weights = {1, 0.5, 1, 1, 1, 2};
    MergeInMemory.Result result =
        pruning("magnitude_pruning", 0.45)
            .set("count", count)
            .dtype(DType.F32)
            .tensor(weights, weights)
            .run();

    assertThat(result.kept().get(0)).containsExactly(kept);
  }

  @Test
  void masksSayWhatIsKeptEvenOfZeros() {
    double[] weights = {0, 0, 0, 5};

    MergeInMemory.Result result =
        pruning("magnitude_pruning", 0.5)
            .set("output", "mask")
            .dtype(DType.BF16)
            .tensor(weights, weights)
            .run();

    assertThat(result.values()).containsExactly(0, 0, 1, 1);
    assertThat(result.kept().get(0)).containsExactly(2);
  }

  @Test
  void theMaskOfOneModelIsLaidOnAnother() {
    double[] trained = {3, -1, 2, 0.5};
    double[] early = {10, 20, 30, 40};

    assertThat(
            pruning("magnitude_pruning", 0.5)
                .dtype(DType.F32)
                .tensor(new double[4], trained, early)
                .run()
                .values())
        .containsExactly(10, 0, 30, 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 16, 257, 2048, 5000})
  void rowsArePrunedEachOnItsOwn(int columns) {
    int rows = 1 + 20_000 / columns;
    double[] weights = tied(rows * columns, columns);
    double[] wanted = new double[weights.length];
    for (int r = 0; r < rows; r++) {
      double[] row = Arrays.copyOfRange(weights, r * columns, (r + 1) * columns);
      boolean[] kept = keptBySort(row, (long) (columns * 0.5));
      System.arraycopy(masked(row, kept), 0, wanted, r * columns, columns);
    }

    assertThat(
            pruning("magnitude_pruning", 0.5)
                .set("scope", "row")
                .dtype(DType.BF16)
                .shape("t0", rows, columns)
                .tensor(weights, weights)
                .run()
                .values())
        .isEqualTo(wanted);
  }

  @Test
  void wandaWeighsByTheColumnsNormsRowByRow() {
    double[] weights = {1, 2, 3, 4, 5, 6};
    double[] norms = {10, 1, 0.1};

    assertThat(
            pruning("wanda", 0.4)
                .dtype(DType.F32)
                .shape("t0", 2, 3)
                .tensor(weights, weights)
                .sides(norms)
                .run()
                .values())
        .containsExactly(1, 2, 0, 4, 5, 0);
  }

  @Test
  void normsBelowZeroAreAnError() {
    double[] weights = {1, 2};

    assertThatThrownBy(
            () ->
                pruning("wanda", 0.5)
                    .dtype(DType.F32)
                    .shape("t0", 1, 2)
                    .tensor(weights, weights)
                    .sides(new double[] {1, -2})
                    .run())
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("holds -2.0 at element 1 of t0")
        .hasMessageContaining("none may be negative");
  }

  @Test
  void aTensorWithoutNormsIsAnErrorOrStaysDense() {
    double[] weights = {1, 2};
    MergeInMemory wanda = pruning("wanda", 0.5).dtype(DType.F32).tensor(weights, weights);

    assertThatThrownBy(wanda::run)
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot prune t0: the table norms lacks it");
    assertThat(wanda.set("lacking", "dense").run().values()).containsExactly(weights);
  }

  @ParameterizedTest
  @CsvSource({"2, 4", "1, 4", "4, 8", "3, 5", "1, 2", "7, 8"})
  void ofEachGroupTheLargestAreKept(int n, int m) {
    double[] weights = tied(7 * 13 * m, 4);
    double[] wanted = new double[weights.length];
    for (int g = 0; g < weights.length; g += m) {
      double[] group = Arrays.copyOfRange(weights, g, g + m);
      System.arraycopy(masked(group, keptBySort(group, m - n)), 0, wanted, g, m);
    }

    assertThat(
            MergeInMemory.of("nm_pruning")
                .set("targets", "all")
                .set("n", (double) n)
                .set("m", (double) m)
                .dtype(DType.F16)
                .shape("t0", 7, 13L * m)
                .tensor(weights, weights)
                .run()
                .values())
        .isEqualTo(wanted);
  }

  @Test
  void columnsBehindTheLastGroupStayOrAreAnError() {
    double[] weights = {1, 2, 3, 4, 0.1, 0.2, 5, 6, 7, 8, 0.3, 0.4};
    MergeInMemory merge =
        MergeInMemory.of("nm_pruning")
            .set("targets", "all")
            .dtype(DType.F64)
            .shape("t0", 2, 6)
            .tensor(weights, weights);

    assertThat(merge.run().values()).containsExactly(0, 0, 3, 4, 0.1, 0.2, 0, 0, 7, 8, 0.3, 0.4);
    assertThatThrownBy(() -> merge.set("tail", "error").run())
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("a row has 6 weights, no multiple of 4");
  }

  @Test
  void keepingAllOfAGroupIsNoPattern() {
    MergeMethod method = MergeMethods.named("nm_pruning").orElseThrow();
    Params params = MergeInMemory.of("nm_pruning").set("n", 4.0).set("m", 4.0).params(1);

    assertThat(method.problem(params).orElseThrow()).contains("4:4 prunes nothing");
  }

  @Test
  void aGramMatrixThatIsNoneIsAnError() {
    Matrix weights = Matrix.of(new double[] {1, 2}, new double[] {3, 4});
    assertThatThrownBy(
            () ->
                sparsegpt(Matrix.of(new double[] {1, 0.9}, new double[] {0.2, 1}))
                    .run(null, weights))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("is no Gram matrix, element (0, 1) is 0.9, (1, 0) is 0.2");
    assertThatThrownBy(
            () ->
                sparsegpt(Matrix.of(new double[] {-1, 0}, new double[] {0, 1})).run(null, weights))
        .hasMessageContaining("element (0, 0) is -1.0");
    assertThatThrownBy(() -> sparsegpt(Matrix.zeros(2, 2)).run(null, weights))
        .hasMessageContaining("its diagonal is 0 throughout");
  }

  private static MatrixInMemory sparsegpt(Matrix gram) {
    return MatrixInMemory.of("sparsegpt").grams(gram);
  }

  @Test
  void theUpperTriangleOfAGramMatrixIsEnough() {
    Matrix weights = Matrix.of(new double[] {1, 2}, new double[] {3, 4});
    Matrix full = Matrix.of(new double[] {2, 0.5}, new double[] {0.5, 1});
    Matrix upper = Matrix.of(new double[] {2, 0.5}, new double[] {0, 1});

    assertThat(sparsegpt(upper).run(null, weights).values())
        .isEqualTo(sparsegpt(full).run(null, weights).values());
  }

  @Test
  void inputsThatWereNeverActiveLoseTheirWeights() {
    Matrix weights = Matrix.of(new double[] {1, 2, 3}, new double[] {3, 4, 5});
    Matrix gram =
        Matrix.of(new double[] {2, 0, 0.5}, new double[] {0, 0, 0}, new double[] {0.5, 0, 1});

    MatrixInMemory.Result result = sparsegpt(gram).set("sparsity", 0.4).run(null, weights);

    assertThat(result.values()[1]).isZero();
    assertThat(result.values()[4]).isZero();
    assertThat(result.decisions()).containsEntry("dead_inputs", 1).containsEntry("pruned", 2L);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, 0.3, 0.9, 1})
  void wagleChoosesTheLargestAttributions(double share) {
    int n = 2000;
    Random random = new Random(6);
    double[] weights = random.doubles(n, -1, 1).toArray();
    double[] forget = random.doubles(n, -1, 1).toArray();
    double[] retain = random.doubles(n, -1, 1).toArray();
    Integer[] order = IntStream.range(0, n).boxed().toArray(Integer[]::new);
    Arrays.sort(
        order,
        Comparator.comparingDouble(i -> -(weights[i] * forget[i] - 0.5 * retain[i] * forget[i])));
    double[] wanted = new double[n];
    for (int i = 0; i < Math.round(share * n); i++) {
      wanted[order[i]] = 1;
    }

    MergeInMemory.Result result =
        MergeInMemory.of("wagle")
            .set("share", share)
            .set("gamma", 2.0)
            .set("targets", "all")
            .set("output", "mask")
            .dtype(DType.F64)
            .tensor(weights, weights)
            .sides(forget, retain)
            .run();

    assertThat(result.values()).isEqualTo(wanted);
  }

  @Test
  void whatMattersMoreToTheMemorisedExampleGoes() {
    double[] weights = {1, 2, 3, 4, 5, 6};

    assertThat(
            pruning("memorised_pruning", 0.67)
                .dtype(DType.F32)
                .shape("t0", 2, 3)
                .tensor(weights, weights)
                .sides(new double[] {3, 2, 1}, new double[] {1, 3, 0.5})
                .run()
                .values())
        .containsExactly(0, 2, 3, 0, 5, 6);
  }

  @Test
  void rowsAndColumnsOfLeastNormGoWhole() {
    Matrix weights =
        Matrix.of(
            new double[] {3, 0, 0},
            new double[] {1, 1, 2},
            new double[] {0, 4, 0},
            new double[] {2, 2, 2});

    MatrixInMemory.Result byL2 =
        MatrixInMemory.of("structured_pruning").set("sparsity", 0.5).run(null, weights);
    MatrixInMemory.Result byL1 =
        MatrixInMemory.of("structured_pruning")
            .set("sparsity", 0.5)
            .set("norm", "l1")
            .run(null, weights);
    MatrixInMemory.Result groups =
        MatrixInMemory.of("structured_pruning")
            .set("sparsity", 0.5)
            .set("group_size", 2.0)
            .run(null, weights);
    MatrixInMemory.Result columns =
        MatrixInMemory.of("structured_pruning")
            .set("sparsity", 0.4)
            .set("unit", "columns")
            .run(null, weights);

    // Squares 9, 6, 16, 12; sums 3, 4, 4, 6; pairs 15, 28; columns 14, 21, 8.
    assertThat(byL2.values()).containsExactly(0, 0, 0, 0, 0, 0, 0, 4, 0, 2, 2, 2);
    assertThat(byL1.values()).containsExactly(0, 0, 0, 0, 0, 0, 0, 4, 0, 2, 2, 2);
    assertThat(groups.values()).containsExactly(0, 0, 0, 0, 0, 0, 0, 4, 0, 2, 2, 2);
    assertThat(groups.decisions()).containsEntry("pruned", 6L);
    assertThat(columns.values()).containsExactly(3, 0, 0, 1, 1, 0, 0, 4, 0, 2, 2, 0);
  }

  @Test
  void aSparsityForTheModelMustBeOne() {
    MergeScope scope = new MergeScope(0, java.util.List.of(tensor("a", 0.5), tensor("b", 0.25)));

    assertThatThrownBy(
            () ->
                ((ElementwiseMethod) MergeMethods.named("magnitude_pruning").orElseThrow())
                    .begin(scope))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("a has sparsity 0.5, b has 0.25");
  }

  private static TensorMerge tensor(String name, double sparsity) {
    var spec =
        new io.weightloom.tensor.TensorSpec(name, DType.F32, io.weightloom.tensor.Shape.of(4, 4));
    return new TensorMerge(
        spec,
        null,
        java.util.List.of(new TensorMerge.Input("m", spec)),
        DType.F32,
        Numerics.ACCURATE,
        MergeInMemory.of("magnitude_pruning")
            .set("sparsity", sparsity)
            .set("scope", "model")
            .set("targets", "all")
            .params(1));
  }
}
