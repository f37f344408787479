package io.weightloom.spectrum;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.analysis.Table;
import io.weightloom.spectrum.SpectrumOptions.Mode;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/**
 * The columns of WeightWatcher 0.7.5.5, {@code analyze(mp_fit=True, detX=True)} on the CPU, for
 * four matrices that a formula makes.
 */
class WeightWatcherTest {
  private static final SpectrumOptions OPTIONS = SpectrumOptions.of(Mode.WEIGHTWATCHER);
  private static final Offset<Double> WITHIN = Offset.offset(1e-6);

  /** SciPy's simplex ends where it ends. */
  private static final Offset<Double> FITTED = Offset.offset(1e-3);

  private static SpectrumRow row(String name, int rows, int columns, int seed, long... shape) {
    TensorSpec spec = Matrices.spec(name + ".weight", DType.F32, shape);
    MatrixSpectrum found = Matrices.scan(OPTIONS, spec, Matrices.formula(rows, columns, seed));
    return SpectrumRow.of("m", null, spec, found);
  }

  private static final List<SpectrumRow> ROWS =
      List.of(
          row("a", 120, 60, 0, 120, 60),
          row("b", 60, 120, 1, 60, 120),
          row("c", 80, 80, 2, 80, 80),
          row("conv", 24, 162, 4, 24, 18, 3, 3));

  private static void assertColumn(String name, Offset<Double> within, double... expected) {
    Table<SpectrumRow> table = SpectrumTable.of(Map.of(), 0, false);
    int column = table.columns().stream().map(c -> c.name()).toList().indexOf(name);
    assertThat(column).as(name).isNotNegative();
    List<Double> found = new ArrayList<>();
    for (List<?> row : table.of(ROWS).rows()) {
      found.add(((Number) row.get(column)).doubleValue());
    }
    for (int i = 0; i < expected.length; i++) {
      double scale = Math.max(1, Math.abs(expected[i]));
      assertThat(found.get(i))
          .as("%s of %s", name, ROWS.get(i).label())
          .isCloseTo(expected[i], Offset.offset(within.value * scale));
    }
  }

  @Test
  void powerLawsAreTheSame() {
    assertColumn("num_evals", WITHIN, 60, 60, 80, 162);
    assertColumn("alpha", WITHIN, 9.1861061089, 7.8171180199, 11.3035284595, 5.3758799238);
    assertColumn("xmin", WITHIN, 18.9048197247, 17.6961683096, 20.0309846835, 2.0386411966);
    assertColumn("d", WITHIN, 0.0973387212, 0.1031124283, 0.1495564169, 0.0596921139);
    assertColumn("sigma", WITHIN, 2.8942255706, 2.2723726733, 4.6078780087, 0.9124340383);
    assertColumn("num_pl_spikes", WITHIN, 8, 9, 5, 23);
    assertColumn(
        "alpha_weighted", WITHIN, 13.4751966405, 11.5118772103, 16.1369210972, 4.7879891801);
    assertColumn(
        "log_alpha_norm", WITHIN, 13.6060688383, 11.6711794053, 16.2678866833, 4.8167005355);
  }

  @Test
  void normsAndRanksAreTheSame() {
    assertColumn("spectral_norm", WITHIN, 29.3029013883, 29.6927068075, 26.7670396488, 7.773970359);
    assertColumn("norm", WITHIN, 621.0296200278, 619.8537089317, 553.0801924248, 171.3144832468);
    assertColumn("stable_rank", WITHIN, 21.193451522, 20.8756215104, 20.6627329612, 22.0369354828);
    assertColumn("entropy", WITHIN, 0.9497977827, 0.9573574866, 0.8891819241, 0.926989883);
    assertColumn("weak_rank_loss", WITHIN, 0, 0, 1, 1);
  }

  @Test
  void bulkAndVolumeAreTheSame() {
    assertColumn("mp_softrank", FITTED, 1.0329161582, 1.0317699474, 1.0473203761, 0.5768669515);
    assertColumn("sigma_mp", FITTED, 1.001720653, 1.0087572465, 1.0068410011, 1.1035758418);
    assertColumn("num_spikes", WITHIN, 0, 0, 0, 1);
    assertColumn("detx_num", WITHIN, 52, 52, 59, 127);
  }

  @Test
  void summaryIsTheSame() {
    Map<String, Double> summary = SpectrumSummary.of(ROWS);

    assertThat(summary.get("alpha")).isCloseTo(8.420658, WITHIN);
    assertThat(summary.get("alpha_weighted")).isCloseTo(11.477996, WITHIN);
    assertThat(summary.get("log_norm")).isCloseTo(2.640496, WITHIN);
    assertThat(summary.get("log_alpha_norm")).isCloseTo(11.590459, WITHIN);
    assertThat(summary.get("log_spectral_norm")).isCloseTo(1.314451, WITHIN);
    assertThat(summary.get("stable_rank")).isCloseTo(21.192185, WITHIN);
    assertThat(summary.get("mp_softrank")).isCloseTo(0.922218, FITTED);
  }
}
