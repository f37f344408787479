package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Averages, interpolations and projections; values worked out by hand unless a golden is named. */
class CombinationTest {
  private static final double[][] MODELS = {
    {1, 0.5, -0.25, 0.75}, {0.5, 1, 0.25, -0.5}, {0.25, -0.5, 1, 1}
  };

  private static MergeInMemory merge(String method) {
    return MergeInMemory.of(method).dtype(DType.F64);
  }

  /** As VITA-Group's code 4c796da has it, and as the paper has it. */
  @ParameterizedTest
  @CsvSource({"reference, 0.25, 0.5", "paper, 0.5, 1"})
  void robustWeightSignaturesAreOrthogonalToTheCleanTaskVector(
      String variant, double y1, double y2) {
    double[] clean = {2, 0, 0};
    double[] robust = {3, 1, 0};

    assertThat(
            merge("rws")
                .variant(variant)
                .taskVectors(clean, robust, new double[] {1, 0, 2})
                .run()
                .values())
        .containsExactly(new double[] {2, y1, y2}, WITHIN);
    assertThat(merge("rws").variant(variant).taskVectors(clean, robust).run().values())
        .containsExactly(new double[] {2, 1, 0}, WITHIN);
  }

  @ParameterizedTest
  @CsvSource({"reference", "paper"})
  void whatIsAddedToTheCleanModelIsOrthogonalToItsTaskVector(String variant) {
    double[] clean = RandomModels.distinct(4099, 1);
    double[] merged =
        merge("rws")
            .variant(variant)
            .taskVectors(clean, RandomModels.distinct(4099, 2), RandomModels.distinct(4099, 3))
            .run()
            .values();

    double along = 0;
    double size = 0;
    for (int i = 0; i < clean.length; i++) {
      along += (merged[i] - clean[i]) * clean[i];
      size += clean[i] * clean[i];
    }
    assertThat(along / size).isCloseTo(0, Offset.offset(1e-14));
    assertThat(merged).isNotEqualTo(clean);
  }

  @Test
  void aCleanModelThatDidNotMoveTakesNothingAway() {
    assertThat(merge("rws").taskVectors(new double[2], new double[] {3, 1}).run().values())
        .containsExactly(3, 1);
  }

  @Test
  void batchNormsAreTheMeanOfTheRobustModels() {
    assertThat(
            merge("rws")
                .set("average", true)
                .tensor(new double[] {7}, new double[] {8}, new double[] {3}, new double[] {5})
                .run()
                .values())
        .containsExactly(4);
  }

  @Test
  void aMovingAverageMovesTowardsEachCheckpoint() {
    assertThat(
            merge("ema")
                .tensor(
                    new double[2],
                    new double[] {1, 1},
                    new double[] {2, 1},
                    new double[] {2, 3},
                    new double[] {4, 3})
                .run()
                .values())
        .containsExactly(new double[] {1.049701, 1.0398}, WITHIN);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void interpolationEndsInTheModelsThemselves(DType dtype) {
    double[] base = Stored.of(dtype, RandomModels.distinct(4099, 1)).values();
    double[] model = Stored.of(dtype, RandomModels.distinct(4099, 2)).values();
    MergeInMemory at0 = MergeInMemory.of("interpolation").dtype(dtype).set("t", 0.0);
    MergeInMemory at1 = MergeInMemory.of("interpolation").dtype(dtype).set("t", 1.0);

    assertThat(at0.tensor(base, model).run().values()).isEqualTo(base);
    assertThat(at1.tensor(base, model).run().values()).isEqualTo(model);
  }

  @Test
  void interpolationMayGoBeyond() {
    assertThat(
            merge("interpolation")
                .set("t", 0.3)
                .tensor(new double[] {1, 1}, new double[] {1.7071067812, 2.4142135624})
                .run()
                .values())
        .containsExactly(new double[] {1.2121320344, 1.4242640687}, WITHIN);
    assertThat(
            merge("interpolation")
                .set("t", 2.0)
                .tensor(new double[] {1}, new double[] {3})
                .run()
                .values())
        .containsExactly(5);
  }

  @Test
  void expoGoesBeyondTheMean() {
    assertThat(
            merge("expo")
                .set("alpha", 0.5)
                .tensor(new double[] {1, 1}, new double[] {2, 1}, new double[] {4, 3})
                .run()
                .values())
        .containsExactly(new double[] {4, 2.5}, WITHIN);
  }

  @Test
  void expoGoesATenthBeyondByDefault() {
    assertThat(merge("expo").tensor(new double[] {1, 2}, new double[] {2, 0}).run().values())
        .containsExactly(new double[] {2.1, -.2}, WITHIN);
  }

  @ParameterizedTest
  @CsvSource({"model_soup", "ratatouille"})
  void uniformSoupIsTheMean(String method) {
    assertThat(
            merge(method)
                .tensor(
                    new double[2], new double[] {1, 2}, new double[] {3, 2}, new double[] {5, -1})
                .run()
                .values())
        .containsExactly(new double[] {3, 1}, WITHIN);
  }

  /** The best is model 1; with model 2 the soup is as good, with model 0 better. */
  @ParameterizedTest
  @CsvSource({"model_soup, 2", "ratatouille, 4"})
  void greedySoupTakesInWhatHelps(String method, double expected) {
    assertThat(
            merge(method)
                .set("select", "greedy")
                .set("score", new double[] {0.5, 0.8, 0.7})
                .set("soup_score", new double[] {0.9, 0, 0.8})
                .tensor(new double[1], new double[] {1}, new double[] {3}, new double[] {8})
                .run()
                .values())
        .containsExactly(new double[] {expected}, WITHIN);
  }

  @Test
  void greedySoupMayBeTheBestModelAlone() {
    assertThat(
            merge("model_soup")
                .set("select", "greedy")
                .set("score", new double[] {0.5, 0.8})
                .set("soup_score", new double[] {0.7, 0})
                .tensor(new double[1], new double[] {1}, new double[] {3})
                .run()
                .values())
        .containsExactly(3);
  }

  /** Golden: dev/golden/span.py, numpy 2.4.6. */
  @Test
  void varianceIsRestored() {
    MergeInMemory.Result merged = merge("variance_corrected").tensor(new double[4], MODELS).run();

    assertThat(merged.values())
        .containsExactly(
            new double[] {1.3103171079, -0.0301585539, -0.0301585539, 0.4166666667}, WITHIN);
    assertThat(merged.decisions().get(0)).containsKey("variance_shrinkage");
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "BF16"})
  void withoutVarianceTheAverageStays(DType dtype) {
    double[] ones = new double[100];
    Arrays.fill(ones, 1);
    double[] twos = new double[100];
    Arrays.fill(twos, 2);

    assertThat(
            MergeInMemory.of("variance_corrected")
                .dtype(dtype)
                .tensor(new double[100], ones, twos)
                .run()
                .values())
        .containsOnly(1.5);
  }

  /** Golden: dev/golden/span.py, numpy 2.4.6, by singular value decompositions of the vectors. */
  @ParameterizedTest
  @CsvSource({
    "1, 0, 0.1600000383, 0.3200000157, 0.0799998628, -0.1599999749",
    "2, 0, 0.5186425856, 0.1250798870, 0.0985499526, 0.5634957793",
    "0, 0, 0.5186425856, 0.1250798870, 0.0985499526, 0.5634957793",
    "2, 0.5, 0.5111495003, 0.1853055949, -0.0926527810, 0.4696015440",
    "3, 0, 0.5833333333, 0.3333333333, 0.3333333333, 0.4166666667"
  })
  void flagAggregatorIsTheMeanWithinTheSubspace(
      double dimension, double pairs, double y0, double y1, double y2, double y3) {
    assertThat(
            merge("flag_aggregator")
                .set("dimension", dimension)
                .set("pairs", pairs)
                .taskVectors(MODELS)
                .run()
                .values())
        .containsExactly(new double[] {y0, y1, y2, y3}, Offset.offset(2e-6));
  }

  /** Golden: dev/golden/span.py, numpy 2.4.6. */
  @Test
  void flagAggregatorShowsWhoIsOutOfLine() {
    MergeInMemory.Result merged =
        merge("flag_aggregator")
            .set("dimension", 1.0)
            .taskVectors(
                new double[] {1, 0.1, 0, 0},
                new double[] {1, -0.1, 0.1, 0},
                new double[] {0.9, 0, -0.1, 0.1},
                new double[] {-3, 5, 4, -6})
            .run();

    assertThat(merged.values())
        .containsExactly(
            new double[] {-0.1358162161, -0.0004244331, 0.0041987251, -0.0077699230},
            Offset.offset(2e-6));
    Object ratios = merged.decisions().get(0).get("reconstruction_ratios");
    assertThat(ratios)
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.list(Double.class))
        .satisfiesExactly(
            v -> assertThat(v).isGreaterThan(0.9),
            v -> assertThat(v).isGreaterThan(0.9),
            v -> assertThat(v).isGreaterThan(0.9),
            v -> assertThat(v).isLessThan(0.2));
  }
}
