package io.weightloom.linalg;

import static io.weightloom.linalg.Matrices.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.linalg.DenseLinAlg.Eigen;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.DenseLinAlg.Svd;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every implementation of {@link DenseLinAlg} owes. Bounds are in units of u = 2⁻⁵³ times a
 * dimension: for products the classical bound γₖ|A||B| of each element, for factorisations a
 * multiple of the norm (Higham, "Accuracy and Stability of Numerical Algorithms", §3.5, §18).
 */
public abstract class LinAlgContract {
  private static final double U = 0x1p-53;
  private static final double FACTORS = 30;

  private final DenseLinAlg reference = LinAlgRegistry.reference();

  /** The implementation that is held to it. */
  protected abstract DenseLinAlg linAlg();

  private static Matrix magnitudes(Matrix m) {
    return new Matrix(m.rows(), m.columns(), Arrays.stream(m.values()).map(Math::abs).toArray());
  }

  private static double norm(Matrix m) {
    return Math.sqrt(m.sumOfSquares());
  }

  private Matrix times(Matrix a, Op opA, Matrix b, Op opB) {
    return reference.multiply(a, opA, b, opB);
  }

  private Matrix minus(Matrix a, Matrix b) {
    Matrix difference = a.copy();
    difference.add(-1, b);
    return difference;
  }

  private void assertOrthonormalRows(Matrix rows) {
    Matrix gram = times(rows, Op.AS_IS, rows, Op.TRANSPOSED);
    for (int i = 0; i < gram.rows(); i++) {
      gram.values()[i * gram.columns() + i] -= 1;
    }
    assertThat(norm(gram)).isLessThanOrEqualTo(FACTORS * U * rows.columns());
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "1,5,1", "4,1,3", "3,4,5", "64,33,17", "130,70,140", "2,300,2"})
  void productsAreExactToTheClassicalBound(int m, int k, int n) {
    for (Op opA : Op.values()) {
      for (Op opB : Op.values()) {
        Matrix a = opA == Op.AS_IS ? random(m, k, 1) : random(k, m, 1);
        Matrix b = opB == Op.AS_IS ? random(k, n, 2) : random(n, k, 2);
        Matrix before = random(m, n, 3);
        Matrix c = before.copy();

        linAlg().multiply(-2, a, opA, b, opB, 3, c);

        Matrix exact = times(a, opA, b, opB);
        Matrix size = times(magnitudes(a), opA, magnitudes(b), opB);
        for (int i = 0; i < c.size(); i++) {
          double scale = 2 * size.values()[i] + 3 * Math.abs(before.values()[i]);
          assertThat(c.values()[i])
              .isCloseTo(
                  -2 * exact.values()[i] + 3 * before.values()[i],
                  org.assertj.core.data.Offset.offset(2 * (k + 3) * U * scale));
        }
      }
    }
  }

  @Test
  void productIntoNewMatrixDoesNotLookAtWhatItHeld() {
    Matrix c = random(3, 3, 1);
    Arrays.fill(c.values(), Double.NaN);

    linAlg().multiply(1, random(3, 4, 1), Op.AS_IS, random(4, 3, 2), Op.AS_IS, 0, c);

    assertThat(c.values()).doesNotContain(Double.NaN);
  }

  @Test
  void matricesWithoutElementsAreMatricesToo() {
    Matrix c = random(3, 4, 1);
    linAlg().multiply(1, Matrix.zeros(3, 0), Op.AS_IS, Matrix.zeros(0, 4), Op.AS_IS, 0, c);
    Svd svd = linAlg().svd(Matrix.zeros(3, 0));

    assertThat(c.values()).containsOnly(0);
    assertThat(svd.values()).isEmpty();
    assertThat(svd.u().rows()).isEqualTo(3);
    assertThat(linAlg().eigen(Matrix.zeros(0, 0)).values()).isEmpty();
  }

  @Test
  void productsOfMatricesThatDoNotFitAreRefused() {
    assertThatThrownBy(
            () -> linAlg().multiply(random(3, 4, 1), Op.AS_IS, random(3, 4, 2), Op.AS_IS))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,9", "9,1", "50,20", "20,50", "200,130"})
  void gramOfRowBlocksIsTheGramOfTheWhole(int m, int n) {
    Matrix a = random(m, n, 4);
    Gram gram = new Gram(linAlg(), n);
    for (int first = 0; first < m; first += 7) {
      int count = Math.min(7, m - first);
      double[] block = Arrays.copyOfRange(a.values(), first * n, (first + count) * n);
      gram.add(new Matrix(count, n, block));
    }

    Matrix exact = times(a, Op.TRANSPOSED, a, Op.AS_IS);
    Matrix size = times(magnitudes(a), Op.TRANSPOSED, magnitudes(a), Op.AS_IS);
    for (int i = 0; i < exact.size(); i++) {
      assertThat(gram.matrix().values()[i])
          .isCloseTo(
              exact.values()[i],
              org.assertj.core.data.Offset.offset(2 * (m + 1) * U * size.values()[i]));
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,7", "7,1", "5,5", "40,17", "17,40", "130,70", "64,128"})
  void singularValueDecompositionGivesTheMatrixBack(int m, int n) {
    Matrix a = random(m, n, 5);
    checkSvd(a, linAlg().svd(a));
  }

  private void checkSvd(Matrix a, Svd svd) {
    int k = Math.min(a.rows(), a.columns());
    int side = Math.max(a.rows(), a.columns());
    assertThat(svd.values()).hasSize(k);
    for (int i = 0; i < k; i++) {
      assertThat(svd.values()[i]).isGreaterThanOrEqualTo(i + 1 < k ? svd.values()[i + 1] : 0);
    }
    assertOrthonormalRows(svd.u().transposed());
    assertOrthonormalRows(svd.vt());
    Matrix scaled = svd.vt().copy();
    scaled.scaleRows(svd.values());
    Matrix back = times(svd.u(), Op.AS_IS, scaled, Op.AS_IS);
    assertThat(norm(minus(back, a))).isLessThanOrEqualTo(FACTORS * side * U * norm(a));
  }

  @ParameterizedTest
  @CsvSource({"1,7", "7,1", "40,17", "17,40", "64,64"})
  void singularValuesAreThoseOfTheReference(int m, int n) {
    Matrix a = random(m, n, 6);
    double[] expected = reference.svd(a).values();
    double within = FACTORS * Math.max(m, n) * U * expected[0];

    assertThat(linAlg().svd(a).values())
        .containsExactly(expected, org.assertj.core.data.Offset.offset(within));
    assertThat(linAlg().singularValues(a))
        .containsExactly(expected, org.assertj.core.data.Offset.offset(within));
  }

  @Test
  void knownSingularValuesAreFoundOverSixteenOrdersOfMagnitude() {
    int n = 12;
    Matrix u = reference.svd(random(n, n, 7)).u();
    Matrix vt = reference.svd(random(n, n, 8)).vt();
    double[] sigma = IntStream.range(0, n).mapToDouble(i -> Math.pow(10, -1.5 * i)).toArray();
    vt.scaleRows(sigma);

    double[] found = linAlg().svd(times(u, Op.AS_IS, vt, Op.AS_IS)).values();

    assertThat(found).containsExactly(sigma, org.assertj.core.data.Offset.offset(FACTORS * n * U));
  }

  @ParameterizedTest
  @CsvSource({"6,4", "4,6", "5,5", "1,3", "3,1"})
  void zeroMatrixHasOrthonormalVectorsAndNoValues(int m, int n) {
    Svd svd = linAlg().svd(Matrix.zeros(m, n));

    assertThat(svd.values()).containsOnly(0);
    checkSvd(Matrix.zeros(m, n), svd);
  }

  @ParameterizedTest
  @CsvSource({"20,9", "9,20", "12,12"})
  void matrixOfRankOneHasOneValue(int m, int n) {
    Matrix a = times(random(m, 1, 9), Op.AS_IS, random(1, n, 10), Op.AS_IS);

    Svd svd = linAlg().svd(a);

    checkSvd(a, svd);
    assertThat(svd.values()[0]).isGreaterThan(0.01);
    assertThat(svd.values()[1]).isLessThanOrEqualTo(FACTORS * 20 * U * svd.values()[0]);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-200, 1e200, -1e-160})
  void sizeOfTheNumbersDoesNotMatter(double scale) {
    Matrix a = random(9, 6, 11);
    double[] expected =
        Arrays.stream(reference.svd(a).values()).map(v -> v * Math.abs(scale)).toArray();
    a.scale(scale);

    assertThat(linAlg().svd(a).values())
        .containsExactly(
            expected, org.assertj.core.data.Offset.offset(FACTORS * 9 * U * expected[0]));
  }

  private static Matrix symmetric(int n, long seed) {
    Matrix a = random(n, n, seed);
    a.add(1, a.transposed());
    return a;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 33, 130})
  void eigenvectorsAreOrthonormalAndTurnTheMatrixDiagonal(int n) {
    Matrix a = symmetric(n, 12);
    Eigen eigen = linAlg().eigen(a);

    assertThat(eigen.values()).isSorted();
    assertOrthonormalRows(eigen.vectors());
    Matrix turned = times(eigen.vectors(), Op.AS_IS, a, Op.AS_IS);
    Matrix scaled = eigen.vectors().copy();
    scaled.scaleRows(eigen.values());
    assertThat(norm(minus(turned, scaled))).isLessThanOrEqualTo(FACTORS * n * U * norm(a));
    assertThat(linAlg().eigenvalues(a))
        .containsExactly(
            reference.eigenvalues(a),
            org.assertj.core.data.Offset.offset(FACTORS * n * U * norm(a)));
  }

  @Test
  void onlyTheUpperTriangleOfASymmetricMatrixIsLookedAt() {
    Matrix a = symmetric(6, 13);
    Matrix half = a.copy();
    for (int i = 0; i < 6; i++) {
      Arrays.fill(half.values(), i * 6, i * 6 + i, 1e9);
    }

    assertThat(linAlg().eigen(half).values()).isEqualTo(linAlg().eigen(a).values());
    assertThat(linAlg().eigenvalues(half)).isEqualTo(linAlg().eigenvalues(a));
    Matrix spd = times(a, Op.TRANSPOSED, a, Op.AS_IS);
    Matrix halfSpd = spd.copy();
    for (int i = 0; i < 6; i++) {
      Arrays.fill(halfSpd.values(), i * 6, i * 6 + i, 1e9);
    }
    assertThat(linAlg().solve(halfSpd, a).orElseThrow().values())
        .isEqualTo(linAlg().solve(spd, a).orElseThrow().values());
  }

  @Test
  void eigenvaluesOfMultiplesOfTheIdentityAreExact() {
    Matrix a = Matrix.zeros(4, 4);
    for (int i = 0; i < 4; i++) {
      a.values()[5 * i] = 3;
    }

    assertThat(linAlg().eigen(a).values()).containsOnly(3);
    assertThat(linAlg().eigen(Matrix.zeros(4, 4)).values()).containsOnly(0);
    assertOrthonormalRows(linAlg().eigen(Matrix.zeros(4, 4)).vectors());
  }

  @ParameterizedTest
  @CsvSource({"1,1", "9,1", "1,9", "5,5", "40,17", "17,40", "150,60"})
  void triangleHasTheGramOfTheMatrix(int m, int n) {
    Matrix a = random(m, n, 14);
    Matrix r = linAlg().triangle(a);

    assertThat(r.rows()).isEqualTo(Math.min(m, n));
    for (int i = 0; i < r.rows(); i++) {
      for (int j = 0; j < i; j++) {
        assertThat(r.at(i, j)).isZero();
      }
    }
    Matrix gram = times(a, Op.TRANSPOSED, a, Op.AS_IS);
    assertThat(norm(minus(times(r, Op.TRANSPOSED, r, Op.AS_IS), gram)))
        .isLessThanOrEqualTo(FACTORS * Math.max(m, n) * U * a.sumOfSquares());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 20, 1000})
  void stackedTriangleKeepsSmallSingularValuesThatAGramLoses(int block) {
    int m = 90;
    int n = 6;
    Matrix u = reference.svd(random(m, n, 15)).u();
    Matrix vt = reference.svd(random(n, n, 16)).vt();
    double[] sigma = {1, 1e-2, 1e-5, 1e-8, 1e-10, 1e-12};
    vt.scaleRows(sigma);
    Matrix a = times(u, Op.AS_IS, vt, Op.AS_IS);
    StackedQr qr = new StackedQr(linAlg(), n);
    for (int first = 0; first < m; first += block) {
      int count = Math.min(block, m - first);
      double[] rows = Arrays.copyOfRange(a.values(), first * n, (first + count) * n);
      qr.add(new Matrix(count, n, rows));
    }

    assertThat(linAlg().svd(qr.triangle()).values())
        .containsExactly(sigma, org.assertj.core.data.Offset.offset(FACTORS * m * U));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 50, 140})
  void choleskySolvesForRows(int n) {
    Matrix root = random(n + 3, n, 17);
    Matrix spd = times(root, Op.TRANSPOSED, root, Op.AS_IS);
    Matrix x = random(5, n, 18);
    Matrix rows = times(x, Op.AS_IS, spd, Op.AS_IS);

    Matrix found = linAlg().solve(spd, rows).orElseThrow();

    Matrix left = minus(times(found, Op.AS_IS, spd, Op.AS_IS), rows);
    assertThat(norm(left)).isLessThanOrEqualTo(FACTORS * n * U * norm(found) * norm(spd));
  }

  @Test
  void choleskyRefusesWhatIsNotPositiveDefinite() {
    Matrix rankOne = times(random(1, 5, 19), Op.TRANSPOSED, random(1, 5, 19), Op.AS_IS);

    assertThat(linAlg().cholesky(rankOne)).isEmpty();
    assertThat(linAlg().cholesky(Matrix.zeros(3, 3))).isEmpty();
    assertThat(linAlg().cholesky(Matrix.of(new double[] {1, 2}, new double[] {2, 1}))).isEmpty();
    assertThat(linAlg().cholesky(Matrix.of(new double[] {-1}))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void notANumberIsAnErrorThatSaysWhere(double bad) {
    Matrix a = random(4, 4, 20);
    a.values()[6] = bad;
    String where = "of a 4 × 4 matrix: element (1, 2) is " + bad + " (mend the model)";

    assertThatThrownBy(() -> linAlg().svd(a))
        .isInstanceOf(WeightloomException.class)
        .hasMessage("Cannot compute the singular values " + where);
    assertThatThrownBy(() -> linAlg().singularValues(a)).hasMessageEndingWith(where);
    assertThatThrownBy(() -> linAlg().eigen(a)).hasMessageEndingWith(where);
    assertThatThrownBy(() -> linAlg().eigenvalues(a)).hasMessageEndingWith(where);
    assertThatThrownBy(() -> linAlg().cholesky(a)).hasMessageEndingWith(where);
    assertThatThrownBy(() -> linAlg().triangle(a)).hasMessageEndingWith(where);
  }

  @Test
  void argumentsAreLeftAsTheyAre() {
    Matrix a = symmetric(20, 21);
    Matrix spd = times(a, Op.TRANSPOSED, a, Op.AS_IS);
    Matrix before = a.copy();
    Matrix spdBefore = spd.copy();

    linAlg().svd(a);
    linAlg().singularValues(a);
    linAlg().eigen(a);
    linAlg().eigenvalues(a);
    linAlg().triangle(a);
    linAlg().solve(spd, a);
    linAlg().multiply(a, Op.TRANSPOSED, a, Op.AS_IS);

    assertThat(a.values()).isEqualTo(before.values());
    assertThat(spd.values()).isEqualTo(spdBefore.values());
  }

  @Test
  void matrixInALongerArrayIsTheMatrix() {
    Matrix a = random(30, 8, 22);
    Matrix view = a.firstRows(11);
    Matrix copy = view.copy();

    assertThat(linAlg().svd(view).values()).isEqualTo(linAlg().svd(copy).values());
    assertThat(linAlg().triangle(view).values()).isEqualTo(linAlg().triangle(copy).values());
  }

  @Test
  void sameArgumentsGiveTheSameBitsInAnyThread() throws Exception {
    Matrix a = random(150, 90, 23);
    double[] expected = everything(a);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      Callable<double[]> task = () -> everything(a.copy());
      for (Future<double[]> found :
          threads.invokeAll(IntStream.range(0, 8).mapToObj(i -> task).toList())) {
        assertThat(found.get()).isEqualTo(expected);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private double[] everything(Matrix a) {
    Svd svd = linAlg().svd(a);
    Matrix gram = new Gram(linAlg(), a.columns()).add(a).matrix();
    Eigen eigen = linAlg().eigen(gram);
    return java.util.stream.Stream.of(
            svd.u().values(),
            svd.values(),
            svd.vt().values(),
            gram.values(),
            eigen.values(),
            eigen.vectors().values(),
            linAlg().triangle(a).values(),
            linAlg().solve(gram, a).orElseThrow().values(),
            linAlg().multiply(a, Op.AS_IS, a, Op.TRANSPOSED).values())
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }
}
