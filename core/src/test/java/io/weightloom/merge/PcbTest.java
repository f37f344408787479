package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Values as the programs of duguodong7/pcb-merging 5897888 give them, computed in fp64. */
class PcbTest {
  private static final double[][] TASKS = {
    {.1, -.2, .3, .05, -.4, .02, .6, -.08, .15, -.01},
    {-.3, -.1, .2, .07, .5, -.04, .03, -.25, .09, .12},
    {.2, -.15, -.1, .01, -.35, .06, .45, .3, -.11, -.02}
  };

  private static MergeInMemory pcb(String variant, DType dtype) {
    return MergeInMemory.of("pcb")
        .variant(variant)
        .dtype(dtype)
        .set("ratio", .4)
        .set("lambda", 1.0);
  }

  static List<Arguments> programs() {
    double[] product = {0, -.1054697407, .2037928798, 0, -.3727504222, 0, .375, -.25, 0, 0};
    double[] scores = {
      .1829378211, 11.4552243884, .0323886674, .2622234212, .0025608666, 9.0592986520
    };
    return List.of(
        Arguments.of("nlp", product, scores),
        Arguments.of("keysteps", product, scores),
        Arguments.of(
            "vision",
            new double[] {-.3, -.15, .2127907230, 0, -.3742022003, 0, .375, -.25, 0, 0},
            new double[] {
              .4638465497, 16.7444003903, .1410661353, 1.2661615269, .0086851839, 14.3872273199
            }),
        Arguments.of(
            "vision_es",
            new double[] {-.3, -.15, .2086218175, 0, -.3745179262, 0, .375, -.25, 0, 0},
            new double[] {
              1.1343786349, 30.5940550799, .3659268774, 2.1301332423, .0212841272, 30.5940550799
            }));
  }

  @ParameterizedTest
  @MethodSource("programs")
  void balancesAsTheProgramDoes(String variant, double[] merged, double[] scores) {
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      MergeInMemory.Result result = pcb(variant, dtype).taskVectors(TASKS).run();

      assertThat(result.values()).containsExactly(merged, WITHIN);
      assertThat(reported(result, "clamps"))
          .containsExactly(new double[] {.01, .4, .03, .3, .01, .35}, WITHIN);
      assertThat(reported(result, "scores")).containsExactly(scores, Offset.offset(2e-5));
    }
  }

  private static double[] reported(MergeInMemory.Result result, String key) {
    List<?> pairs = (List<?>) requireNonNull(result.decisions().get(0).get(key));
    return pairs.stream()
        .flatMap(pair -> ((List<?>) pair).stream())
        .mapToDouble(x -> (Double) x)
        .toArray();
  }

  @ParameterizedTest
  @MethodSource("programs")
  void statisticsAreOfTheModelAndNotOfATensor(String variant, double[] merged, double[] scores) {
    MergeInMemory merge = pcb(variant, DType.F64);
    for (int[] cut : new int[][] {{0, 3}, {3, 4}, {4, 10}}) {
      merge.taskVectors(
          Arrays.stream(TASKS)
              .map(t -> Arrays.copyOfRange(t, cut[0], cut[1]))
              .toArray(double[][]::new));
    }

    MergeInMemory.Result result = merge.run();

    assertThat(
            IntStream.range(0, 3)
                .mapToObj(result::values)
                .flatMapToDouble(Arrays::stream)
                .toArray())
        .containsExactly(merged, WITHIN);
    assertThat(reported(result, "scores")).containsExactly(scores, WITHIN);
  }

  @ParameterizedTest
  @MethodSource("programs")
  void identicalModelsKeepTheClampedChange(String variant, double[] merged, double[] scores) {
    double[] one = TASKS[0];

    double[] balanced = pcb(variant, DType.F64).taskVectors(one, one, one).run().values();

    for (int i = 0; i < one.length; i++) {
      double clamped = Math.signum(one[i]) * Math.min(Math.max(Math.abs(one[i]), .01), .4);
      assertThat(balanced[i] == 0 || Math.abs(balanced[i] - clamped) < 1e-12).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("programs")
  void nothingGoesBeyondTheClampsAndNoMoreThanTheRatioIsKept(
      String variant, double[] merged, double[] scores) {
    for (double ratio : new double[] {.05, .4, .9}) {
      MergeInMemory.Result balanced =
          MergeInMemory.of("pcb")
              .variant(variant)
              .set("ratio", ratio)
              .set("lambda", 1.25)
              .taskVectors(RandomModels.distinct(4099, 1), RandomModels.distinct(4099, 2))
              .run();

      double[] clamps = reported(balanced, "clamps");
      double most = 1.25 * Math.max(clamps[1], clamps[3]);
      assertThat(Arrays.stream(balanced.values()).map(Math::abs).max().orElseThrow())
          .isBetween(most / 100, most * (1 + 1e-12));
      // One model alone drops what scores its least or below, and is kept whole elsewhere.
      long kept =
          Arrays.stream(
                  pcb(variant, DType.F64)
                      .set("ratio", ratio)
                      .taskVectors(RandomModels.distinct(4099, 1))
                      .run()
                      .values())
              .filter(v -> v != 0)
              .count();
      assertThat(kept).isBetween(1L, (long) (ratio * 4099) + 1);
    }
  }

  /** The programs divide zero by zero. */
  @ParameterizedTest
  @MethodSource("programs")
  void changesOfOneSizeLeaveTheBase(String variant, double[] merged, double[] scores) {
    double[] equal = {.5, .5, .5, .5};

    assertThat(pcb(variant, DType.F64).taskVectors(equal, equal).run().values()).containsOnly(0);
  }

  /** Scores of both signs, of which the statistic asked for is now positive, now negative. */
  @Test
  void signedStatisticsAreThoseOfASort() {
    int n = 5003;
    Random random = new Random(8);
    double[][] deltas = new double[2][n];
    for (double[] delta : deltas) {
      Arrays.setAll(delta, i -> (float) (Math.rint(random.nextGaussian() * 8) / 8));
    }
    for (double ratio : new double[] {.001, .2, .5, .8, 1}) {
      MergeInMemory.Result merged =
          pcb("nlp", DType.F32)
              .set("ratio", ratio)
              .kernels(KernelRegistry.get().kernels())
              .taskVectors(deltas)
              .run();

      double[] clamps = reported(merged, "clamps");
      double[] found = reported(merged, "scores");
      for (int k = 0; k < 2; k++) {
        double[] sizes = Arrays.stream(deltas[k]).map(Math::abs).sorted().toArray();
        double low = sizes[(int) (n * .01)];
        double high = sizes[(int) (n * .99 - 1)];
        double[] scores = new double[n];
        for (int i = 0; i < n; i++) {
          double a = Math.min(Math.max(Math.abs(deltas[k][i]), low), high);
          double size = (a - low) / (high - low);
          scores[i] =
              (float)
                  (StrictMath.exp(2 * size * size)
                      * StrictMath.tanh(deltas[k][i] * (deltas[0][i] + deltas[1][i])));
        }
        Arrays.sort(scores);

        assertThat(clamps[2 * k]).isEqualTo(low);
        assertThat(clamps[2 * k + 1]).isEqualTo(high);
        assertThat(found[2 * k]).isEqualTo(scores[(int) (n * (1 - ratio))] + 0.0);
        assertThat(found[2 * k + 1]).isEqualTo(scores[n - 1]);
      }
    }
  }
}
