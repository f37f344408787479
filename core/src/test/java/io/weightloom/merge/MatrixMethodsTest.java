package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
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
  private static final Offset<Double> TEN_DIGITS = Offset.offset(6e-11);
  private static final Offset<Double> CLOSE = Offset.offset(1e-12);

  private static final Matrix DELTA1 =
      Matrix.of(new double[] {3, 1, 0}, new double[] {0, 2, 0}, new double[] {0, 0, 1});
  private static final Matrix DELTA2 =
      Matrix.of(new double[] {1, 0, 2}, new double[] {0, 1, 0}, new double[] {2, 0, 1});

  private static final Matrix TAU1 = Matrix.of(new double[] {1, 0}, new double[] {0, 2});
  private static final Matrix TAU2 = Matrix.of(new double[] {0, 1}, new double[] {1, 1});

  private static final Matrix GRAM1 = Matrix.of(new double[] {2, 1}, new double[] {1, 2});
  private static final Matrix GRAM2 = Matrix.of(new double[] {4, 0}, new double[] {0, 1});
  private static final Matrix W1 = Matrix.of(new double[] {1, 2}, new double[] {3, 4});
  private static final Matrix W2 = Matrix.of(new double[] {5, 6}, new double[] {7, 8});

  private static Matrix random(int rows, int columns, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Matrix m = Matrix.zeros(rows, columns);
    Arrays.setAll(m.values(), i -> random.nextDouble() + random.nextDouble() - 1);
    return m;
  }

  private static void assertClose(double[] actual, Offset<Double> offset, double... expected) {
    assertThat(actual).containsExactly(expected, offset);
  }

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

  @ParameterizedTest
  @CsvSource({
    "0, 1, 1, 1, 3",
    "1, 0.99999, 0.99999, 0.99999, 2.99999",
    "300, .9970049802, .9970030390, .9970019129, 2.9970016138",
  })
  void wudiTakesStepsOfAdamFromTheSum(double steps, double a, double b, double c, double d) {
    assertClose(
        MatrixInMemory.of("wudi").set("iterations", steps).taskVectors(TAU1, TAU2).values(),
        TEN_DIGITS,
        a,
        b,
        c,
        d);
  }

  @Test
  void wudiInClosedFormIsWhereAdamWouldEnd() {
    double[] minimiser =
        MatrixInMemory.of("wudi").variant("closed_form").taskVectors(TAU1, TAU2).values();

    assertClose(minimiser, TEN_DIGITS, .8344370861, .2649006623, .1655629139, 1.7350993377);
    assertClose(
        MatrixInMemory.of("wudi")
            .set("iterations", 3000.0)
            .set("learning_rate", 1e-2)
            .taskVectors(TAU1, TAU2)
            .values(),
        Offset.offset(1e-9),
        minimiser);
  }

  @Test
  void wudiLeavesTheBaseWhereNothingWasTuned() {
    Matrix base = random(4, 3, 1);

    for (String variant : new String[] {"reference", "closed_form"}) {
      assertThat(MatrixInMemory.of("wudi").variant(variant).run(base, base, base).values())
          .isEqualTo(base.values());
    }
  }

  private static final double[] ROUTING = {.7310585786300049, .2689414213699951};

  private static MatrixInMemory twin(double scaling, double maskRate) {
    return MatrixInMemory.of("twin_merging")
        .set("weight", ROUTING)
        .set("scaling", scaling)
        .set("mask_rate", maskRate);
  }

  @Test
  void twinKeepsTheLeadingTripletsOfWhatIsExclusive() {
    MatrixInMemory.Result merged = twin(.29, .25).taskVectors(DELTA1, DELTA2);

    assertClose(
        merged.values(),
        TEN_DIGITS,
        2.4447007974,
        .7324238930,
        .4907569088,
        .0133368555,
        1.6962546049,
        .0238957649,
        .4891342840,
        .0056413296,
        .8687512687);
    assertThat(merged.decisions()).isEqualTo(Map.of("rank_per_model", 2));
  }

  /** Of the elements of 0.58 the one with the lower index stays. */
  @Test
  void twinKeepsTheLargestElementsOfWhatIsExclusive() {
    MatrixInMemory.Result merged =
        twin(.29, .5).set("compress", "magnitude").taskVectors(DELTA1, DELTA2);

    assertClose(
        merged.values(),
        TEN_DIGITS,
        2.5051477847,
        .7310585786,
        .5378828427,
        0,
        1.6960961939,
        0,
        .9618968183,
        0,
        .6929553970);
    assertThat(merged.decisions()).isEqualTo(Map.of("kept_per_model", 4));
  }

  @Test
  void twinMergesByHand() {
    Matrix first = Matrix.of(new double[] {1, 2}, new double[] {0, 0});
    Matrix second = Matrix.of(new double[] {0, 0}, new double[] {3, -1});

    assertClose(
        twin(.5, .5).set("compress", "magnitude").taskVectors(first, second).values(),
        TEN_DIGITS,
        .5,
        1.4621171573,
        .8068242641,
        -.5);
  }

  /** The rank of a tenth of 768 is 76, of a tenth of 10 none: 1 − 0.9 is less than a tenth. */
  @ParameterizedTest
  @CsvSource({"768, 76", "10, 0", "11, 1"})
  void twinsShareOfARankIsTheReferences(int side, int rank) {
    Matrix task = Matrix.zeros(side, side);
    task.values()[0] = 1;

    // A routing weight of 0 takes no factorisation.
    assertThat(
            MatrixInMemory.of("twin_merging")
                .set("weight", new double[] {0})
                .set("normalize", false)
                .taskVectors(task)
                .decisions())
        .isEqualTo(Map.of("rank_per_model", rank));
  }

  /** Uncompressed, with one model chosen by the router, that model comes back. */
  @ParameterizedTest
  @ValueSource(strings = {"svd", "magnitude"})
  void twinOfOneRouteUncompressedIsThatModel(String compress) {
    Matrix base = random(6, 4, 30);
    Matrix[] models = {random(6, 4, 31), random(6, 4, 32)};

    double[] merged =
        twin(.29, 0)
            .set("weight", new double[] {0, 1})
            .set("compress", compress)
            .run(base, models)
            .values();

    assertClose(merged, CLOSE, models[1].values());
  }

  /** The base is then the shared expert, and only what is left is routed. */
  @Test
  void twinWithoutScalingTakesTheBaseForTheSharedExpert() {
    Matrix base = random(5, 5, 33);
    Matrix model = random(5, 5, 34);
    Matrix delta = model.copy();
    delta.add(-1, base);
    DenseLinAlg reference = LinAlgRegistry.reference();
    DenseLinAlg.Svd svd = reference.svd(delta);
    double[] expected = base.copy().values();
    for (int i = 0; i < 25; i++) {
      expected[i] += .5 * svd.u().at(i / 5, 0) * svd.values()[0] * svd.vt().at(0, i % 5);
    }

    double[] merged =
        twin(0, .8 - 1e-9)
            .set("weight", new double[] {.5})
            .set("normalize", false)
            .run(base, model)
            .values();

    assertClose(merged, CLOSE, expected);
  }

  /** What is no matrix is not compressed: θ* + Σ wₜ(θₜ − θ*). */
  @Test
  void twinRoutesVectorsWhole() {
    TensorMerge tensor =
        MatrixInMemory.of("twin_merging")
            .set("weight", new double[] {.5, .25})
            .set("normalize", false)
            .set("scaling", .5)
            .tensor(2, 2);
    DoubleArith arith = new DoubleArith(KernelRegistry.scalar());
    double[] out = arith.vector();
    double[][] models = {
      Arrays.copyOf(new double[] {14, 20}, Arith.CAPACITY),
      Arrays.copyOf(new double[] {10, 28}, Arith.CAPACITY)
    };

    ((MatrixMethod) MergeMethods.named("twin_merging").orElseThrow())
        .rest(new MergeScope(0, List.of(tensor)))
        .emitter(arith, new Span(0, 0, 2))
        .emit(
            new Chunk<>(
                    Arrays.copyOf(new double[] {10, 20}, Arith.CAPACITY), models, arith.vectors(0))
                .at(0, 2),
            out);

    // θ* = 12, 24: 12 + ½·2 − ¼·2, and 24 − ½·4 + ¼·4.
    assertThat(Arrays.copyOf(out, 2)).containsExactly(12.5, 23);
  }

  private static MatrixInMemory regmean() {
    return MatrixInMemory.of("regmean");
  }

  @ParameterizedTest
  @CsvSource({
    "1, 3.5882352941, 2.4705882353, 5.5882352941, 4.4705882353",
    "0.9, 3.5828970332, 2.5584642234, 5.5828970332, 4.5584642234",
    "0, 3.6666666667, 3.3333333333, 5.6666666667, 5.3333333333",
  })
  void regmeanSolvesForTheWeights(double factor, double a, double b, double c, double d) {
    assertClose(
        regmean().grams(GRAM1, GRAM2).set("off_diagonal", factor).run(null, W1, W2).values(),
        TEN_DIGITS,
        a,
        b,
        c,
        d);
  }

  @Test
  void regmeanOfEqualModelsIsThatModelAndOfEqualGramsTheMean() {
    Matrix x = random(9, 4, 2);
    Matrix gram = gram(random(9, 4, 3));

    assertClose(
        regmean().grams(gram(x), gram).run(null, weights(), weights()).values(),
        CLOSE,
        weights().values());
    Matrix mean = random(5, 4, 4);
    mean.add(1, random(5, 4, 5));
    mean.scale(.5);
    assertClose(
        regmean().grams(gram, gram).run(null, random(5, 4, 4), random(5, 4, 5)).values(),
        CLOSE,
        mean.values());
  }

  @Test
  void regmeanOfScaledGramsIsTheSame() {
    Matrix first = GRAM1.copy();
    Matrix second = GRAM2.copy();
    first.scale(1024);
    second.scale(1024);

    assertClose(
        regmean().grams(first, second).run(null, W1, W2).values(),
        CLOSE,
        regmean().grams(GRAM1, GRAM2).run(null, W1, W2).values());
  }

  private static Matrix weights() {
    return random(5, 4, 6);
  }

  private static Matrix gram(Matrix x) {
    return new io.weightloom.linalg.Gram(LinAlgRegistry.reference(), x.columns()).add(x).matrix();
  }

  /** The second input was never active: its column is averaged, and the record says why. */
  @Test
  void regmeanAveragesColumnsThatNoModelHasUsed() {
    Matrix seen = Matrix.of(new double[] {2, 0}, new double[] {0, 0});

    MatrixInMemory.Result merged = regmean().grams(seen, seen.copy()).run(null, W1, W2);

    assertClose(merged.values(), Offset.offset(1e-8), 3, 4, 5, 6);
    assertThat((Double) merged.decisions().get("ridge")).isPositive();
  }

  @Test
  void regmeanRefusesGramsThatAreNone() {
    Matrix negative = Matrix.of(new double[] {-9, 0}, new double[] {0, -9});

    assertThatThrownBy(() -> regmean().grams(GRAM1, negative).run(null, W1, W2))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot merge model.layers.0.mlp.up_proj.weight by regmean: the sum of the Gram matrices is not positive definite, its mean diagonal is -7.0 (see how they were computed)");
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
