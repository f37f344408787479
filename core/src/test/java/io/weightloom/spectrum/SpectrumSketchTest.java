package io.weightloom.spectrum;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.Stored;
import io.weightloom.spectrum.PowerLaw.Fingers;
import io.weightloom.spectrum.SpectrumOptions.Extent;
import io.weightloom.spectrum.SpectrumOptions.Mode;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpectrumSketchTest {
  private static final SpectrumOptions PLAIN = SpectrumOptions.of(Mode.RELATIVE);

  private static SpectrumOptions options(boolean svd, boolean randomize, Extent extent, long seed) {
    return new SpectrumOptions(
        Mode.RELATIVE, extent, svd, true, true, randomize, Fingers.KEPT, 0, 0, seed);
  }

  private static double[] values(MatrixSpectrum m) {
    return Objects.requireNonNull(m.spectrum()).values();
  }

  private static double[] squares(double[] elements, int rows, int columns) {
    return Arrays.stream(
            LinAlgRegistry.reference().singularValues(new Matrix(rows, columns, elements)))
        .map(s -> s * s)
        .sorted()
        .toArray();
  }

  @ParameterizedTest
  @CsvSource({"40,23", "23,40", "30,30", "2,9"})
  void eigenvaluesAreSquaresOfSingularValues(int rows, int columns) {
    TensorSpec spec = Matrices.spec("w", DType.F64, rows, columns);
    double[] elements = Matrices.uniform(rows * columns, 1);
    double[] expected = squares(elements, rows, columns);
    Offset<Double> within = Offset.offset(1e-13 * expected[expected.length - 1]);

    MatrixSpectrum gram = Matrices.scan(PLAIN, spec, elements);
    MatrixSpectrum svd = Matrices.scan(options(true, false, Extent.SPECTRUM, 0), spec, elements);

    assertThat(values(gram)).containsExactly(expected, within);
    assertThat(values(svd)).containsExactly(expected, within);
    assertThat(gram.method()).isEqualTo("gram");
    assertThat(svd.method()).isEqualTo("svd");
    assertThat(gram.rank()).isEqualTo(Math.min(rows, columns));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 100, 5000})
  void howATensorIsCutDoesNotShow(int blockElements) {
    for (long[] shape : new long[][] {{70, 33}, {33, 70}, {2, 30, 11}, {10, 12, 3, 2}}) {
      TensorSpec spec = Matrices.spec("w", DType.BF16, shape);
      double[] elements = Matrices.gaussian((int) spec.elements(), 0.02, 2);
      SpectrumOptions options = options(false, true, Extent.SPECTRUM, 5);
      TensorSpectra whole = Matrices.scan(options, 1 << 20, List.of(spec), elements);
      TensorSpectra cut = Matrices.scan(options, blockElements, List.of(spec), elements);

      for (int i = 0; i < whole.matrices().size(); i++) {
        MatrixSpectrum a = whole.matrices().get(i);
        MatrixSpectrum b = cut.matrices().get(i);
        assertThat(values(b)).isEqualTo(values(a));
        assertThat(b.randomized()).isEqualTo(a.randomized());
        assertThat(b.powerLaw()).isEqualTo(a.powerLaw());
        assertThat(b.bulk()).isEqualTo(a.bulk());
      }
    }
  }

  @Test
  void fusedExpertsHaveASpectrumEach() {
    double[] elements = Matrices.uniform(3 * 12 * 20, 3);
    TensorSpec spec = Matrices.spec("experts.gate_up_proj", DType.F64, 3, 12, 20);

    List<MatrixSpectrum> found = Matrices.scan(PLAIN, 64, List.of(spec), elements).matrices();

    assertThat(found).extracting(MatrixSpectrum::slice).containsExactly(0, 1, 2);
    for (int e = 0; e < 3; e++) {
      double[] own = Arrays.copyOfRange(elements, e * 240, (e + 1) * 240);
      assertThat(values(found.get(e))).containsExactly(squares(own, 12, 20), Offset.offset(1e-12));
    }
  }

  @Test
  void slicesOfAConvolutionArePooled() {
    double[] elements = Matrices.uniform(6 * 5 * 4, 4);
    double[][] slices = new double[4][30];
    for (int i = 0; i < elements.length; i++) {
      slices[i % 4][i / 4] = elements[i];
    }
    double[] expected =
        Arrays.stream(slices)
            .flatMapToDouble(s -> Arrays.stream(squares(s, 6, 5)))
            .sorted()
            .toArray();
    TensorSpec spec = Matrices.spec("w", DType.F64, 6, 5, 2, 2);

    MatrixSpectrum plain = Matrices.scan(PLAIN, spec, elements);
    MatrixSpectrum halved = Matrices.scan(SpectrumOptions.of(Mode.WEIGHTWATCHER), spec, elements);

    assertThat(values(plain)).containsExactly(expected, Offset.offset(1e-12));
    assertThat(values(halved))
        .containsExactly(Arrays.stream(expected).map(v -> v / 2).toArray(), Offset.offset(1e-12));
  }

  @ParameterizedTest
  @CsvSource({"60,40", "40,60"})
  void spectralNormAloneIsThatOfTheSpectrum(int rows, int columns) {
    TensorSpec spec = Matrices.spec("w", DType.F32, rows, columns);
    double[] elements = Matrices.gaussian(rows * columns, 0.02, 5);
    MatrixSpectrum all = Matrices.scan(PLAIN, spec, elements);
    MatrixSpectrum norm =
        Matrices.scan(options(false, false, Extent.SPECTRAL_NORM, 0), spec, elements);

    assertThat(norm.method()).isEqualTo("lanczos");
    assertThat(norm.spectrum()).isNull();
    assertThat(norm.largest()).isCloseTo(all.largest(), Offset.offset(1e-9 * all.largest()));
    assertThat(norm.stableRank()).isCloseTo(all.stableRank(), Offset.offset(1e-7));
  }

  @Test
  void aDifferenceIsLookedAtNotTheModel() {
    double[] base = Matrices.gaussian(50 * 30, 0.02, 6);
    double[] delta = Matrices.gaussian(50 * 30, 0.001, 7);
    double[] model = new double[base.length];
    Arrays.setAll(model, i -> base[i] + delta[i]);
    double[] difference = new double[base.length];
    Arrays.setAll(difference, i -> model[i] - base[i]);
    TensorSpec spec = Matrices.spec("w", DType.F64, 50, 30);

    MatrixSpectrum found =
        Matrices.scan(PLAIN, 64, List.of(spec, spec), model, base).matrices().get(0);

    double[] expected = squares(difference, 50, 30);
    assertThat(values(found)).containsExactly(expected, Offset.offset(1e-15));
    assertThat(found.powerLaw()).isEqualTo(PowerLaw.fit(values(found)).orElseThrow());
  }

  @ParameterizedTest
  @CsvSource({"BF16,1,0.5", "BF16,4,0.5", "F16,4,0.2", "F32,7,0.01", "F64,3,0.000001"})
  void rankOfAMergedLoraIsFoundUnderRounding(DType dtype, int rank, double size) {
    int rows = 96;
    int columns = 64;
    double[] base = Stored.of(dtype, Matrices.gaussian(rows * columns, 0.02, 8)).values();
    double[] left = Matrices.gaussian(rows * rank, size, 9);
    double[] right = Matrices.gaussian(rank * columns, 0.05, 10);
    double[] model = base.clone();
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        for (int k = 0; k < rank; k++) {
          model[i * columns + j] += left[i * rank + k] * right[k * columns + j];
        }
      }
    }
    TensorSpec spec = Matrices.spec("w", dtype, rows, columns);

    MatrixSpectrum found =
        Matrices.scan(PLAIN, 1 << 10, List.of(spec, spec), model, base).matrices().get(0);

    assertThat(found.loraRank()).isEqualTo(rank);
  }

  @Test
  void whatHasNoSpectrumSaysWhy() {
    TensorSpec spec = Matrices.spec("w", DType.F32, 4, 3);
    double[] bad = Matrices.uniform(12, 11);
    bad[7] = Double.NaN;

    assertThat(Matrices.scan(PLAIN, spec, bad).problem()).isEqualTo("holds NaN at element 7");
    assertThat(Matrices.scan(PLAIN, spec, new double[12]).problem())
        .isEqualTo("all elements are 0");
    double[] same = Matrices.uniform(12, 12);
    assertThat(
            Matrices.scan(PLAIN, 100, List.of(spec, spec), same, same).matrices().get(0).problem())
        .isEqualTo("equal to the base");
  }

  @Test
  void aBadExpertDoesNotSpoilTheNext() {
    double[] elements = Matrices.uniform(2 * 8 * 6, 13);
    elements[3] = Double.POSITIVE_INFINITY;
    TensorSpec spec = Matrices.spec("experts", DType.F32, 2, 8, 6);

    List<MatrixSpectrum> found = Matrices.scan(PLAIN, 32, List.of(spec), elements).matrices();

    assertThat(found.get(0).problem()).isEqualTo("holds Infinity at element 3");
    assertThat(found.get(1).isFound()).isTrue();
  }

  @Test
  void shufflesFollowTheSeedAndTheName() {
    double[] elements = Matrices.formula(40, 30, 3);
    TensorSpec spec = Matrices.spec("w", DType.F32, 40, 30);
    TensorSpec other = Matrices.spec("x", DType.F32, 40, 30);
    Randomized one = shuffled(spec, elements, 1);

    assertThat(shuffled(spec, elements, 1)).isEqualTo(one);
    assertThat(shuffled(spec, elements, 2)).isNotEqualTo(one);
    assertThat(shuffled(other, elements, 1)).isNotEqualTo(one);
    assertThat(one.softRank()).isPositive();
    assertThat(one.distance()).isPositive();
  }

  private static Randomized shuffled(TensorSpec spec, double[] elements, long seed) {
    return Objects.requireNonNull(
        Matrices.scan(options(false, true, Extent.SPECTRUM, seed), spec, elements).randomized());
  }

  @Test
  void smallDifferencesKeepTheirTail() {
    double[] elements = Matrices.gaussian(80 * 40, 1e-5, 14);
    TensorSpec spec = Matrices.spec("w", DType.F64, 80, 40);

    MatrixSpectrum relative = Matrices.scan(PLAIN, spec, elements);
    MatrixSpectrum absolute = Matrices.scan(SpectrumOptions.of(Mode.WEIGHTWATCHER), spec, elements);

    assertThat(Objects.requireNonNull(relative.powerLaw()).tail()).isGreaterThan(1);
    assertThat(absolute.powerLaw()).isNull();
  }

  @Test
  void singularMatricesAreDecomposedInFullForWeightWatcher() {
    double[] elements = new double[40 * 30];
    double[] left = Matrices.uniform(40 * 5, 15);
    double[] right = Matrices.uniform(5 * 30, 16);
    for (int i = 0; i < elements.length; i++) {
      for (int k = 0; k < 5; k++) {
        elements[i] += left[i / 30 * 5 + k] * right[k * 30 + i % 30];
      }
    }
    TensorSpec spec = Matrices.spec("w", DType.F64, 40, 30);

    MatrixSpectrum found = Matrices.scan(SpectrumOptions.of(Mode.WEIGHTWATCHER), spec, elements);

    assertThat(found.method()).isEqualTo("svd");
    assertThat(found.rank()).isEqualTo(5);
    assertThat(Matrices.scan(PLAIN, spec, elements).rank()).isEqualTo(5);
  }
}
