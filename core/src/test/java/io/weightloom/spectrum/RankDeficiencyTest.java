package io.weightloom.spectrum;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import io.weightloom.spectrum.PowerLaw.Fingers;
import io.weightloom.spectrum.SpectrumOptions.Extent;
import io.weightloom.spectrum.SpectrumOptions.Mode;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A Gram matrix of activations or gradients, read as a matrix: its σ are its eigenvalues. */
class RankDeficiencyTest {
  private static final SpectrumOptions EXACT =
      new SpectrumOptions(
          Mode.RELATIVE, Extent.SPECTRUM, true, false, false, false, Fingers.KEPT, 0, 0, 0);

  private static double[] gram(double[] activations, int samples, int width) {
    double[] gram = new double[width * width];
    for (int s = 0; s < samples; s++) {
      for (int i = 0; i < width; i++) {
        for (int j = 0; j < width; j++) {
          gram[i * width + j] += activations[s * width + i] * activations[s * width + j];
        }
      }
    }
    return gram;
  }

  private static SpectrumRow row(int samples, int width, int seed) {
    TensorSpec spec = Matrices.spec("model.layers.0.mlp.down_proj.weight", DType.F64, width, width);
    double[] activations = Matrices.formula(samples, width, seed);
    return SpectrumRow.of(
        "m", null, spec, Matrices.scan(EXACT, spec, gram(activations, samples, width)));
  }

  private static Object deficiency(SpectrumRow row, double epsilon) {
    Table<SpectrumRow> table = SpectrumTable.of(Map.of(), epsilon, false);
    int at = table.columns().stream().map(Column::name).toList().indexOf("rank_deficiency");
    return table.of(List.of(row)).rows().get(0).get(at);
  }

  /** Golden: dev/golden/rank_deficiency.py, numpy 2.4.6. */
  @ParameterizedTest
  @CsvSource({
    "20, 48, 12, 1e-9, 28",
    "20, 48, 12, 0.05, 28",
    "20, 48, 12, 1, 29",
    "20, 48, 12, 5, 40",
    "20, 48, 12, 100, 48",
    "64, 32, 13, 1e-9, 0",
    "64, 32, 13, 0.05, 0",
    "64, 32, 13, 1, 2",
    "64, 32, 13, 5, 15",
    "64, 32, 13, 100, 32"
  })
  void eigenvaluesBelowABoundAreCounted(
      int samples, int width, int seed, double epsilon, long expected) {
    assertThat(deficiency(row(samples, width, seed), epsilon)).isEqualTo(expected);
  }

  @Test
  void withoutABoundThereIsNoColumn() {
    assertThat(SpectrumTable.of(Map.of(), 0, false).columns())
        .extracting(Column::name)
        .doesNotContain("rank_deficiency");
  }
}
