package io.weightloom.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.prune.Budget.Prunable;
import io.weightloom.prune.DistortionPlan.Curve;
import io.weightloom.stats.BlockData;
import io.weightloom.stats.MagnitudeHistogram;
import io.weightloom.tensor.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sparsities by tensor. */
class BudgetTest {

  /** The linear layers of a Llama-2-7B. */
  private static List<Prunable> llama() {
    List<Prunable> tensors = new ArrayList<>();
    for (int layer = 0; layer < 32; layer++) {
      for (String name : List.of("q", "k", "v", "o")) {
        tensors.add(new Prunable(layer + name, List.of(4096L, 4096L)));
      }
      tensors.add(new Prunable(layer + "gate", List.of(11008L, 4096L)));
      tensors.add(new Prunable(layer + "up", List.of(11008L, 4096L)));
      tensors.add(new Prunable(layer + "down", List.of(4096L, 11008L)));
    }
    return tensors;
  }

  private static long of(Map<String, Long> plan, String tensor) {
    return java.util.Objects.requireNonNull(plan.get(tensor), tensor);
  }

  /** The densities that the reference's solver gives: specification of the method, Llama-2-7B. */
  @ParameterizedTest
  @CsvSource({"0.5, 0.63279, 0.43412", "0.7, 0.37967, 0.26047"})
  void erdosRenyiAsItsReferenceSolvesIt(double sparsity, double attention, double mlp) {
    Map<String, Long> pruned = Budget.erdosRenyi(llama(), sparsity, true);

    assertThat(1 - of(pruned, "0q") / (4096.0 * 4096)).isCloseTo(attention, within(1e-5));
    assertThat(1 - of(pruned, "31up") / (4096.0 * 11008)).isCloseTo(mlp, within(1e-5));
    long all = llama().stream().mapToLong(Prunable::elements).sum();
    assertThat((double) pruned.values().stream().mapToLong(p -> p).sum() / all)
        .isCloseTo(sparsity, within(1e-6));
  }

  @Test
  void whatWouldBeDenserThanDenseStaysDense() {
    List<Prunable> tensors =
        List.of(new Prunable("small", List.of(4L, 4L)), new Prunable("large", List.of(400L, 400L)));

    Map<String, Long> pruned = Budget.erdosRenyi(tensors, 0.5, true);

    assertThat(pruned.get("small")).isZero();
    assertThat(pruned.get("large")).isEqualTo((400 * 400 + 16) / 2);
  }

  @Test
  void aKernelsDimensionsCountForErkAlone() {
    List<Prunable> tensors =
        List.of(new Prunable("a", List.of(64L, 64L, 3L, 3L)), new Prunable("b", List.of(64L, 64L)));

    assertThat(Budget.erdosRenyi(tensors, 0.9, true).get("a"))
        .isNotEqualTo(Budget.erdosRenyi(tensors, 0.9, false).get("a"));
  }

  @Test
  void uniformPlusSparesTheFirstAndAFifthOfTheLast() {
    List<Prunable> tensors =
        List.of(
            new Prunable("a", List.of(10L, 10L)),
            new Prunable("b", List.of(100L, 100L)),
            new Prunable("c", List.of(10L, 10L)));

    Map<String, Long> pruned = Budget.uniformPlus(tensors, 0.9);

    assertThat(pruned).containsEntry("a", 0L).containsEntry("c", 80L).containsEntry("b", 9100L);
    assertThatThrownBy(() -> Budget.uniformPlus(tensors, 0.999))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("uniform_plus");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1.1, Double.NaN})
  void aSparsityThatIsNoShareIsAnError(double sparsity) {
    assertThatThrownBy(() -> Budget.erdosRenyi(llama(), sparsity, true))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("choose a number from 0 to 1");
  }

  @Test
  void owlScalesOutliersToTwiceLambda() {
    double[] sparsities = Budget.owl(0.7, new double[] {0.01, 0.02, 0.05}, 0.08);

    // D = 0, 0.04, 0.16; mean 1/15.
    assertThat(sparsities[0]).isCloseTo(0.7 + 0.2 / 3, within(1e-12));
    assertThat(sparsities[1]).isCloseTo(0.66 + 0.2 / 3, within(1e-12));
    assertThat(sparsities[2]).isCloseTo(0.54 + 0.2 / 3, within(1e-12));
    assertThat(Budget.owl(0.5, new double[] {3, 3}, 0.08)).containsExactly(0.5, 0.5);
    assertThatThrownBy(() -> Budget.owl(0.99, new double[] {1, 2}, 0.08))
        .hasMessageContaining("choose a smaller lambda");
  }

  private static MagnitudeHistogram histogram(double... values) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (double v : values) {
      bytes.putShort((short) (Float.floatToRawIntBits((float) v) >>> 16));
    }
    return MagnitudeHistogram.of(BlockData.of(DType.BF16, bytes.array()), KernelRegistry.scalar());
  }

  /** The scores of a tensor's weights in ascending order, by the paper's formula. */
  private static double[] lampScores(double... magnitudesAscending) {
    int n = magnitudesAscending.length;
    double[] scores = new double[n];
    double sum = 0;
    for (int i = n - 1; i >= 0; i--) {
      double square = magnitudesAscending[i] * magnitudesAscending[i];
      sum += square;
      scores[i] = square / sum;
    }
    return scores;
  }

  @Test
  void lampScoresOfTheGoldenCases() {
    assertThat(lampScores(1, 2, 3))
        .containsExactly(new double[] {1 / 14.0, 4 / 13.0, 1}, within(1e-15));
    assertThat(lampScores(0.1, 10)[0]).isCloseTo(9.999e-5, within(1e-9));
  }

  /** Values of BF16, most of them many times, against a sort of all scores. */
  @ParameterizedTest
  @ValueSource(doubles = {0.1, 0.5, 0.8, 0.95})
  void lampFromHistogramsPrunesWhatASortOfAllScoresDoes(double sparsity) {
    Random random = new Random(3);
    Map<String, MagnitudeHistogram> histograms = new LinkedHashMap<>();
    List<double[]> scores = new ArrayList<>();
    for (int t = 0; t < 5; t++) {
      double[] values = new double[200 + 300 * t];
      double scale = Math.scalb(1.0, -t);
      Arrays.setAll(values, i -> Math.abs(bf16(random.nextGaussian() * scale)));
      histograms.put("t" + t, histogram(values));
      Arrays.sort(values);
      scores.add(lampScores(values));
    }
    double[] all = scores.stream().flatMapToDouble(Arrays::stream).sorted().toArray();
    long survivors = Math.round(all.length * (1 - sparsity));
    double threshold = all[(int) (all.length - survivors)];

    Map<String, Long> pruned = Lamp.pruned(histograms, sparsity);

    for (int t = 0; t < 5; t++) {
      long below = Arrays.stream(scores.get(t)).filter(s -> s < threshold * (1 - 1e-12)).count();
      assertThat(pruned.get("t" + t)).as("t" + t).isEqualTo(below);
    }
  }

  private static double bf16(double v) {
    return Float.intBitsToFloat(Float.floatToRawIntBits((float) v) & 0xffff0000);
  }

  @Test
  void lampKeepsTheLargestOfEveryTensor() {
    Map<String, MagnitudeHistogram> histograms =
        Map.of("tiny", histogram(1e-9, 2e-9), "large", histogram(1, 2, 3, 4, 5, 6, 7, 8));

    assertThat(Lamp.pruned(histograms, 0.8)).containsEntry("tiny", 1L).containsEntry("large", 7L);
  }

  @Test
  void theLeastDistortionOfAllPlansIsFound() {
    Random random = new Random(8);
    for (int round = 0; round < 20; round++) {
      List<Curve> curves = new ArrayList<>();
      for (int c = 0; c < 3; c++) {
        long[] pruned = {0, 10, 20, 30, 40};
        double[] cost = new double[5];
        for (int l = 1; l < 5; l++) {
          cost[l] = cost[l - 1] + random.nextDouble();
        }
        curves.add(new Curve("t" + c, 40, pruned, cost));
      }
      double best = Double.POSITIVE_INFINITY;
      for (int a = 0; a < 5; a++) {
        for (int b = 0; b < 5; b++) {
          int c = 6 - a - b;
          if (c >= 0 && c < 5) {
            best =
                Math.min(
                    best,
                    curves.get(0).distortion()[a]
                        + curves.get(1).distortion()[b]
                        + curves.get(2).distortion()[c]);
          }
        }
      }

      Map<String, Long> plan = DistortionPlan.pruned(curves, 0.5);

      double cost = 0;
      for (int c = 0; c < 3; c++) {
        cost += curves.get(c).distortion()[(int) (of(plan, "t" + c) / 10)];
      }
      assertThat(plan.values().stream().mapToLong(p -> p).sum()).isEqualTo(60);
      assertThat(cost).isCloseTo(best, within(1e-12));
    }
  }

  @Test
  void curvesThatDoNotReachAreAnError() {
    Curve curve = new Curve("a", 100, new long[] {0, 50}, new double[] {0, 1});

    assertThatThrownBy(() -> DistortionPlan.pruned(List.of(curve), 0.6))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("do not reach it");
  }

  @Test
  void magnitudesGiveACurveOfSquares() {
    Curve curve = Curve.ofMagnitudes("a", histogram(1, 2, 3, 4), 4);

    assertThat(curve.pruned()).containsExactly(0, 1, 2, 3, 4);
    assertThat(curve.distortion()).containsExactly(0, 1, 5, 14, 30);
  }

  @Test
  void squaresThatAreLeastTogetherComeOfOneThreshold() {
    Random random = new Random(1);
    double[] a = random.doubles(4000).toArray();
    double[] b = random.doubles(8000).map(v -> v / 4).toArray();
    Map<String, Long> plan =
        DistortionPlan.pruned(
            List.of(
                Curve.ofMagnitudes("a", histogram(a), 100),
                Curve.ofMagnitudes("b", histogram(b), 100)),
            0.5);
    double[] all = new double[12_000];
    System.arraycopy(a, 0, all, 0, 4000);
    System.arraycopy(b, 0, all, 4000, 8000);
    Arrays.sort(all);
    long ofA = Arrays.stream(a).filter(v -> v < all[6000]).count();

    assertThat(of(plan, "a") + of(plan, "b")).isEqualTo(6000);
    assertThat((double) of(plan, "a")).isCloseTo((double) ofA, within(100.0));
  }

  @Test
  void curvesSayWhatOneThresholdTakesOfEachTensor() {
    Map<String, MagnitudeHistogram> tensors = new LinkedHashMap<>();
    tensors.put("a", histogram(1, 2, 3, 4));
    tensors.put("b", histogram(2, 6, 8, 8));

    List<SparsityCurve.Point> points = SparsityCurve.of(tensors, 4);

    // Of all eight the two least are 1 and one of the two 2s.
    SparsityCurve.Point a = points.get(1);
    SparsityCurve.Point b = points.get(5);
    SparsityCurve.Point all = points.get(9);
    assertThat(a.keptL1()).isEqualTo(0.9);
    assertThat(a.keptL2()).isEqualTo(1 - 1 / 30.0);
    assertThat(a.induced()).isEqualTo(1.5 / 4);
    assertThat(b.induced()).isEqualTo(0.5 / 4);
    assertThat(all.tensor()).isEqualTo("*");
    assertThat(all.threshold()).isEqualTo(2);
    assertThat(all.keptL1()).isCloseTo(1 - 3 / 34.0, within(1e-15));
    assertThat(points.get(0).keptL1()).isEqualTo(1);
    assertThat(points.get(0).threshold()).isNaN();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 100, 4096})
  void theElementOfARankIsThatOfASort(int n) {
    Random random = new Random(n);
    double[] x = new double[n + 5];
    Arrays.setAll(x, i -> Math.abs(random.nextInt(5) == 0 ? 1 : random.nextGaussian()));
    double[] sorted = Arrays.copyOfRange(x, 3, 3 + n);
    Arrays.sort(sorted);
    for (int rank = 1; rank <= n; rank += 1 + n / 50) {
      assertThat(OrderStatistic.ofRank(x, 3, n, rank, new double[n])).isEqualTo(sorted[rank - 1]);
    }
  }

  @Test
  void countsAreReadAsTheyAreWritten() {
    assertThat(Counting.FLOOR.pruned(0.29, 100)).isEqualTo(29);
    assertThat(Counting.ROUND.pruned(0.5, 5)).isEqualTo(2);
    assertThat(Counting.BEYOND.pruned(0.5, 4)).isEqualTo(3);
    assertThat(Counting.FLOOR.pruned(1.0 / 3, 3)).isZero();
    assertThat(Counting.ROUND.pruned(1.0 / 3, 3)).isEqualTo(1);
  }
}
