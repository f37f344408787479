package io.weightloom.merge;

import static io.weightloom.linalg.Matrices.assertClose;
import static io.weightloom.linalg.Matrices.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The formulas of the matrix methods. Golden values are from {@code dev/golden/matrix_methods.py}:
 * written from the papers in NumPy and, as the script says of each, equal to what the papers' own
 * codes give.
 */
class MatrixMethodsTest {
  static final Offset<Double> TEN_DIGITS = Offset.offset(6e-11);
  static final Offset<Double> CLOSE = Offset.offset(1e-12);

  static final Matrix DELTA1 =
      Matrix.of(new double[] {3, 1, 0}, new double[] {0, 2, 0}, new double[] {0, 0, 1});
  static final Matrix DELTA2 =
      Matrix.of(new double[] {1, 0, 2}, new double[] {0, 1, 0}, new double[] {2, 0, 1});

  @Test
  void tsvMergesThePapersExample() {
    assertClose(
        MatrixInMemory.of("tsv_m").taskVectors(DELTA1, DELTA2).values(),
        TEN_DIGITS,
        2.7609365806,
        1.3471523622,
        .2437593666,
        .7081377760,
        .7658212279,
        -.7228122776,
        .4221163857,
        -1.1821833323,
        2.6310461478);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tsv_m", "iso_c", "iso_cts"})
  void biasesAreAveraged(String method) {
    assertThat(
            MatrixInMemory.of(method)
                .rest(new double[2], new double[] {1, 2}, new double[] {3, -2}))
        .containsExactly(2, 0);
  }

  @Test
  void isotropicMergeGivesAllDirectionsTheMean() {
    MatrixInMemory.Result merged = MatrixInMemory.of("iso_c").taskVectors(DELTA1, DELTA2);

    assertClose(
        merged.values(),
        TEN_DIGITS,
        2.9880873616,
        .4819826466,
        -.0005105859,
        -.4809601197,
        2.9819535552,
        .1939174317,
        .0313830461,
        -.1913617920,
        3.0204915795);
    assertThat((Double) merged.decisions().get("mean_singular_value"))
        .isCloseTo(3.0267100311, TEN_DIGITS);
  }

  @Test
  void isotropicMergeOfCommonAndTaskSubspaces() {
    MatrixInMemory.Result merged =
        MatrixInMemory.of("iso_cts").set("common_space_fraction", 0.34).taskVectors(DELTA1, DELTA2);

    assertThat(merged.decisions()).isEqualTo(Map.of("common_rank", 1, "rank_per_model", 1));
    assertClose(
        merged.values(),
        TEN_DIGITS,
        .0084231011,
        1.1641740818,
        2.6233352643,
        1.1229955323,
        2.4128538116,
        -1.0743731516,
        2.6412251393,
        -1.0296093150,
        .4484356950);
  }

  @Test
  void knotsWithoutATrimElectsSignsInTheSharedBasis() {
    MatrixInMemory.Result merged =
        MatrixInMemory.of("knots").set("keep", 1.0).set("lambda", 1.0).taskVectors(DELTA1, DELTA2);

    assertClose(
        merged.values(),
        TEN_DIGITS,
        2.2857800733,
        .5,
        .8709743831,
        -1.2390151425,
        1.5,
        .2304401000,
        .7942244014,
        0,
        1.2434653310);
    assertThat(merged.decisions()).isEqualTo(Map.of("rank", 3));
  }

  @Test
  void oneModelOfTsvAndKnotsIsThatModel() {
    Matrix base = random(6, 4, 7);
    Matrix model = random(6, 4, 8);

    for (MatrixInMemory method :
        new MatrixInMemory[] {
          MatrixInMemory.of("tsv_m"),
          MatrixInMemory.of("knots").set("keep", 1.0).set("lambda", 1.0),
          MatrixInMemory.of("wudi").variant("closed_form")
        }) {
      assertClose(method.run(base, model).values(), CLOSE, model.values());
    }
  }

  /** Tall matrices go through their triangle, row block by row block; wide ones are gathered. */
  @ParameterizedTest
  @CsvSource({"40,7", "7,40", "12,12"})
  void isotropicMergeOfTheTransposeIsTheTranspose(int m, int n) {
    Matrix a = random(m, n, 9);
    Matrix b = random(m, n, 10);

    double[] merged = MatrixInMemory.of("iso_c").taskVectors(a, b).values();
    double[] turned =
        MatrixInMemory.of("iso_c").taskVectors(a.transposed(), b.transposed()).values();

    assertClose(new Matrix(n, m, turned).transposed().values(), CLOSE, merged);
  }

  /**
   * The error is ε·σ₁/σ, for a tall matrix as for a wide one; by a Gram matrix it were its square.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void isotropicMergeFindsSmallDirections(boolean tall) {
    DenseLinAlg reference = LinAlgRegistry.reference();
    Matrix u = reference.svd(random(40, 5, 20)).u();
    Matrix vt = reference.svd(random(5, 5, 21)).vt();
    double[] sigma = {1, 1e-2, 1e-4, 1e-6, 1e-8};
    Matrix scaled = vt.copy();
    scaled.scaleRows(sigma);
    Matrix task = reference.multiply(u, Op.AS_IS, scaled, Op.AS_IS);
    Matrix isometry = reference.multiply(u, Op.AS_IS, vt, Op.AS_IS);
    isometry.scale(Arrays.stream(sigma).average().orElseThrow());

    double[] merged =
        MatrixInMemory.of("iso_c").taskVectors(tall ? task : task.transposed()).values();

    assertClose(
        merged,
        Offset.offset(100 * 0x1p-53 * 1e8 * 0.2),
        (tall ? isometry : isometry.transposed()).values());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tsv_m", "iso_c", "iso_cts", "knots", "wudi", "twin_merging"})
  void baseOfZeroAndShiftedModelsGiveTheSameTaskVector(String method) {
    Matrix base = random(8, 5, 11);
    Matrix a = random(8, 5, 12);
    Matrix b = random(8, 5, 13);
    double[] delta = MatrixInMemory.of(method).taskVectors(a, b).values();
    a.add(1, base);
    b.add(1, base);

    double[] merged = MatrixInMemory.of(method).run(base, a, b).values();

    Arrays.setAll(merged, i -> merged[i] - base.values()[i]);
    assertClose(merged, CLOSE, delta);
  }

  /** Equal task vectors leave stacked vectors dependent: what no model says is left out. */
  @Test
  void tsvOfEqualTaskVectorsHasNoArbitraryDirections() {
    Matrix task = random(6, 6, 14);

    double[] once = MatrixInMemory.of("tsv_m").taskVectors(task, task).values();
    double[] again = MatrixInMemory.of("tsv_m").taskVectors(task, task).values();

    assertThat(once).isEqualTo(again);
    assertThat(Arrays.stream(once).map(Math::abs).max().orElseThrow()).isBetween(0.01, 10.0);
  }

  @Test
  void outputIsRoundedOnce() {
    Matrix[] models = {bf16(15), bf16(16), bf16(17)};

    MatrixInMemory.Result exact = MatrixInMemory.of("iso_c").run(models[0], models[1], models[2]);
    MatrixInMemory.Result merged =
        MatrixInMemory.of("iso_c").dtype(DType.BF16).run(models[0], models[1], models[2]);

    assertThat(merged.bytes()).isEqualTo(Stored.of(DType.BF16, exact.values()).bytes());
  }

  private static Matrix bf16(long seed) {
    return new Matrix(8, 5, Stored.of(DType.BF16, random(8, 5, seed).values()).values());
  }

  @Test
  void nonFiniteValueIsAnErrorThatSaysWhere() {
    Matrix base = random(4, 3, 17);
    Matrix bad = random(4, 3, 18);
    bad.values()[7] = Double.NaN;

    assertThatThrownBy(() -> MatrixInMemory.of("tsv_m").run(base, base, bad))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot merge model.layers.0.mlp.up_proj.weight: model-1 holds NaN at element 7 of model.layers.0.mlp.up_proj.weight (mend the model, or set weightloom: {non_finite: keep} to merge it as it is)");
    assertThatThrownBy(() -> MatrixInMemory.of("tsv_m").keepNonFinite().run(base, base, bad))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("element (2, 1) is NaN");
    assertThatThrownBy(() -> MatrixInMemory.of("wudi").keepNonFinite().run(base, base, bad))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("the task vector of model 2 holds NaN");
  }
}
