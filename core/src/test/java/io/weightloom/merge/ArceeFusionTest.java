package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Held against the formula of mergekit a6e4028, in fp64, with a sort. */
class ArceeFusionTest {

  @ParameterizedTest
  @CsvSource({"F64, 1", "F64, 7", "F64, 64", "F32, 64", "F64, 1500"})
  void takesWhatReachesTheQuartilesOfImportance(DType dtype, int row) {
    int n = row * 41;
    Random random = new Random(row);
    double[] base = new double[n];
    double[] model = new double[n];
    for (int i = 0; i < n; i++) {
      base[i] = (float) random.nextGaussian();
      model[i] = random.nextInt(3) == 0 ? base[i] : (float) (base[i] + random.nextGaussian());
    }

    MergeInMemory.Result merged =
        MergeInMemory.of("arcee_fusion")
            .dtype(dtype)
            .shape("t0", n / row, row)
            .tensor(base, model)
            .run();

    double[] importance = importance(base, model, row, dtype);
    double[] sorted = importance.clone();
    Arrays.sort(sorted);
    double threshold = at(sorted, .5) + 1.5 * (at(sorted, .75) - at(sorted, .25));
    double[] expected = base.clone();
    int kept = 0;
    for (int i = 0; i < n; i++) {
      if (importance[i] >= threshold) {
        expected[i] = model[i];
        kept++;
      }
    }
    assertThat(merged.values()).containsExactly(expected, Golden.WITHIN);
    assertThat(merged.kept().get(0)).containsExactly(kept);
  }

  private static double at(double[] sorted, double quantile) {
    return sorted[(int) (quantile * (sorted.length - 1))];
  }

  private static double[] importance(double[] base, double[] model, int row, DType dtype) {
    double[] importance = new double[base.length];
    for (int from = 0; from < base.length; from += row) {
      double[] p = softmax(Arrays.copyOfRange(model, from, from + row));
      double[] q = softmax(Arrays.copyOfRange(base, from, from + row));
      double divergence = 0;
      for (int i = 0; i < row; i++) {
        divergence += (p[i] + 1e-8) * StrictMath.log((p[i] + 1e-8) / (q[i] + 1e-8));
      }
      for (int i = 0; i < row; i++) {
        double delta = model[from + i] - base[from + i];
        double size = Math.abs(dtype == DType.F32 ? (float) delta : delta) * divergence;
        importance[from + i] = dtype == DType.F32 ? (float) size : size;
      }
    }
    return importance;
  }

  private static double[] softmax(double[] x) {
    double max = Arrays.stream(x).max().orElseThrow();
    double[] exp = Arrays.stream(x).map(v -> StrictMath.exp(v - max)).toArray();
    double sum = 0;
    for (double e : exp) {
      sum += e;
    }
    double total = sum;
    return Arrays.stream(exp).map(e -> e / total).toArray();
  }
}
