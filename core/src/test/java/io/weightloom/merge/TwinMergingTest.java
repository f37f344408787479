package io.weightloom.merge;

import static io.weightloom.linalg.Matrices.assertClose;
import static io.weightloom.linalg.Matrices.random;
import static io.weightloom.merge.MatrixMethodsTest.CLOSE;
import static io.weightloom.merge.MatrixMethodsTest.DELTA1;
import static io.weightloom.merge.MatrixMethodsTest.DELTA2;
import static io.weightloom.merge.MatrixMethodsTest.TEN_DIGITS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The shared expert, the routes, and what is left of exclusive parts. Golden values are from {@code
 * dev/golden/matrix_methods.py}, as those of {@link MatrixMethodsTest}.
 */
class TwinMergingTest {
  private static final double[] ROUTING = {.7310585786300049, .2689414213699951};

  private static MatrixInMemory twin(double scaling, double maskRate) {
    return MatrixInMemory.of("twin_merging")
        .set("weight", ROUTING)
        .set("scaling", scaling)
        .set("mask_rate", maskRate);
  }

  @Test
  void keepsTheLeadingTripletsOfWhatIsExclusive() {
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
  void keepsTheLargestElementsOfWhatIsExclusive() {
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
  void mergesByHand() {
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

  /** θ* = ½Σ and θ* + vₜ of the same two models: what a router may choose among. */
  @ParameterizedTest
  @CsvSource({"1, 0, .5, .5, 2, 0, -.5", "0, 1, .5, .5, 0, 3, -.5", "1, 0, 1, .5, 1, 1.5, -.5"})
  void partsByHand(
      double first, double second, double maskRate, double a, double b, double c, double d) {
    assertClose(
        twin(.5, maskRate)
            .set("weight", new double[] {first, second})
            .set("compress", "magnitude")
            .taskVectors(
                Matrix.of(new double[] {1, 2}, new double[] {0, 0}),
                Matrix.of(new double[] {0, 0}, new double[] {3, -1}))
            .values(),
        TEN_DIGITS,
        a,
        b,
        c,
        d);
  }

  @ParameterizedTest
  @CsvSource({"1, 0, 0, 1, -1.5, 0", "0, 1, 0, -1, 1.5, 0"})
  void aPartOfABundleIsWhatIsExclusive(
      double first, double second, double a, double b, double c, double d) {
    assertClose(
        twin(.5, .5)
            .set("weight", new double[] {first, second})
            .set("compress", "magnitude")
            .set("part", "vector")
            .run(
                Matrix.of(new double[] {5, 6}, new double[] {7, 8}),
                Matrix.of(new double[] {6, 8}, new double[] {7, 8}),
                Matrix.of(new double[] {5, 6}, new double[] {10, 7}))
            .values(),
        TEN_DIGITS,
        a,
        b,
        c,
        d);
  }

  /** The rank of a tenth of 768 is 76, of a tenth of 10 none: 1 − 0.9 is less than a tenth. */
  @ParameterizedTest
  @CsvSource({"768, 76", "10, 0", "11, 1"})
  void shareOfARankIsTheReferences(int side, int rank) {
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
  void ofOneRouteUncompressedIsThatModel(String compress) {
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
  void withoutScalingTakesTheBaseForTheSharedExpert() {
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
  void routesVectorsWhole() {
    double[] merged =
        MatrixInMemory.of("twin_merging")
            .set("weight", new double[] {.5, .25})
            .set("normalize", false)
            .set("scaling", .5)
            .rest(new double[] {10, 20}, new double[] {14, 20}, new double[] {10, 28});

    // θ* = 12, 24: 12 + ½·2 − ¼·2, and 24 − ½·4 + ¼·4.
    assertThat(merged).containsExactly(12.5, 23);
  }

  /** A matrix that no array holds is the user's affair, however it is to be compressed. */
  @ParameterizedTest
  @ValueSource(strings = {"svd", "magnitude"})
  void matrixThatNoArrayHoldsIsRefused(String compress) {
    TensorMerge tensor = twin(.29, .9).set("compress", compress).tensor(2, 1 << 20, 1 << 12);
    MatrixMethod method = (MatrixMethod) MergeMethods.named("twin_merging").orElseThrow();

    assertThatThrownBy(
            () -> method.merge(tensor, new Huge(1 << 20, 1 << 12), LinAlgRegistry.reference()))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot hold a 1048576 × 4096 matrix");
  }

  /** Rows of a matrix that is never read. */
  private record Huge(int rows, int columns) implements MatrixRows {
    @Override
    public int models() {
      return 2;
    }

    @Override
    public int blockRows() {
      return 1;
    }

    @Override
    public void read(int model, int first, Matrix into) {
      throw new IllegalStateException("row " + first + " is read");
    }

    @Override
    public void write(int first, Matrix written) {
      throw new IllegalStateException("row " + first + " is written");
    }

    @Override
    public Matrix gram(String table, int model) {
      throw new IllegalStateException(table + " is read");
    }
  }
}
