package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold of every method, whatever its formula. */
class MergeLawsTest {
  private static final List<DType> DTYPES = List.of(DType.BF16, DType.F16, DType.F32, DType.F64);
  private static final int N = 4099;
  private static final Set<String> SUMS_IN_ORDER =
      Set.of(
          "dare_linear",
          "dare_ties",
          "darex",
          "della",
          "della_linear",
          "pcb",
          "ram",
          "ramplus_tl",
          "sce");

  /** Where the later of two changes of one size is taken, or the later model's weights. */
  private static final Set<String> LATER_WINS = Set.of("magmax", "magnitude_pruning");

  /** A softmax of negated values is another, and so is a bound of a signed change. */
  private static final Set<String> ASYMMETRIC = Set.of("arcee_fusion", "darex");

  /** What one model is not left as it is by; or what merges no model but a task vector. */
  private static final Set<String> CHANGES_ONE =
      Set.of("pcb", "nearswap", "arcee_fusion", "fedzip", "masked_task_vector");

  /** What adds up the changes of all models, or scales them by the share that it keeps. */
  private static final Set<String> SUMS =
      Set.of("adamerging", "atlas", "concrete", "consensus", "darex");

  /** Where a number of the formula is of the weights' own size. */
  private static final Set<String> HAS_A_SCALE =
      Set.of("arcee_fusion", "darex", "nearswap", "pcb", "ram", "ramplus_tl", "wagle");

  /** All but those whose coefficients are found by iteration: see SpanLawsTest. */
  static List<MethodCase> all() {
    return MethodCase.all().stream().filter(c -> !c.isSpan()).toList();
  }

  static List<MethodCase> ofTaskVectors() {
    return MethodCase.ofTaskVectors();
  }

  private static double[] base(DType dtype) {
    return Stored.of(dtype, RandomModels.base(N, 3)).values();
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void modelsEqualToTheBaseGiveTheBase(MethodCase method) {
    for (DType dtype : DTYPES) {
      double[] base = base(dtype);

      MergeInMemory.Result merged =
          method
              .busy(method.models())
              .dtype(dtype)
              .tensor(base, Collections.nCopies(method.models(), base).toArray(double[][]::new))
              .run();

      assertThat(merged.outputs().get(0).bytes()).isEqualTo(Stored.of(dtype, base).bytes());
    }
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void lambdaZeroGivesTheBase(MethodCase method) {
    assumeThat(method.has("lambda")).as("it has a λ").isTrue();
    for (DType dtype : DTYPES) {
      double[] base = base(dtype);

      MergeInMemory.Result merged =
          method
              .busy(2)
              .set("lambda", 0.0)
              .dtype(dtype)
              .tensor(base, RandomModels.tuned(base, 1), RandomModels.tuned(base, 2))
              .run();

      assertThat(merged.outputs().get(0).bytes()).isEqualTo(Stored.of(dtype, base).bytes());
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void oneModelWithWeightOneIsThatModel(MethodCase method) {
    assumeThat(CHANGES_ONE).doesNotContain(method.spec().name());
    for (DType dtype : DTYPES) {
      double[] base = base(dtype);
      double[] model = Stored.of(dtype, RandomModels.tuned(base, 1)).values();

      MergeInMemory.Result merged = method.plain().dtype(dtype).tensor(base, model).run();

      assertThat(merged.values()).isEqualTo(model);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void orderOfTwoModelsDoesNotMatter(MethodCase method) {
    assumeThat(LATER_WINS).doesNotContain(method.spec().name());
    assumeThat(method.spec().maxModels()).isGreaterThan(1);
    assumeThat(method.spec().sideTables()).as("tables do not change places here").isEmpty();
    for (DType dtype : DTYPES) {
      double[] base = base(dtype);
      double[] one = RandomModels.tuned(base, 1);
      double[] two = RandomModels.tuned(base, 2);

      Stored merged =
          method.busy(2).dtype(dtype).names("a", "b").tensor(base, one, two).run().outputs().get(0);
      Stored swapped =
          swapped(method)
              .dtype(dtype)
              .names("b", "a")
              .tensor(base, two, one)
              .run()
              .outputs()
              .get(0);

      assertThat(swapped.bytes()).isEqualTo(merged.bytes());
    }
  }

  private static MergeInMemory swapped(MethodCase method) {
    MergeInMemory merge = method.busy(2);
    Params params = merge.params(2);
    params
        .perModel()
        .keySet()
        .forEach(
            key -> {
              double[] values = params.numbers(key);
              merge.set(key, new double[] {values[1], values[0]});
            });
    return merge;
  }

  /** Where sums over models are exact; quotients make them depend on the order in the last bit. */
  @ParameterizedTest
  @MethodSource("all")
  void orderOfModelsDoesNotMatterWhereSumsAreExact(MethodCase method) {
    assumeThat(method.spec().maxModels()).isGreaterThan(2);
    assumeThat(SUMS_IN_ORDER).doesNotContain(method.spec().name());
    assumeThat(LATER_WINS).doesNotContain(method.spec().name());
    double[] base = base(DType.F32);
    List<double[]> models =
        Arrays.asList(
            RandomModels.tuned(base, 1), RandomModels.tuned(base, 2), RandomModels.tuned(base, 3));

    Stored merged = even(method, base, models);
    Collections.rotate(models, 1);

    assertThat(even(method, base, models).bytes()).isEqualTo(merged.bytes());
  }

  private static Stored even(MethodCase method, double[] base, List<double[]> models) {
    MergeInMemory merge = method.merge().dtype(DType.F32);
    Map.of("weight", 0.5, "density", 0.5, "normalize", method.spec().name().equals("ties"))
        .forEach(
            (key, value) -> {
              if (method.has(key)) {
                merge.set(key, value);
              }
            });
    return merge.tensor(base, models.toArray(double[][]::new)).run().outputs().get(0);
  }

  /** With a base of zeros and without coordinates that cancel. */
  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void negatedTaskVectorsGiveTheNegation(MethodCase method) {
    assumeThat(ASYMMETRIC).doesNotContain(method.spec().name());
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      double[][] deltas = new double[method.models()][];
      Arrays.setAll(deltas, k -> RandomModels.distinct(N, k + 1));

      double[] merged =
          method.busy(method.models()).dtype(dtype).taskVectors(deltas).run().values();
      double[] negated =
          method
              .busy(method.models())
              .dtype(dtype)
              .taskVectors(Arrays.stream(deltas).map(MergeLawsTest::minus).toArray(double[][]::new))
              .run()
              .values();

      assertThat(minus(negated)).isEqualTo(minus(minus(merged)));
    }
  }

  /** Negated, zeros without a sign. */
  private static double[] minus(double[] values) {
    return Arrays.stream(values).map(v -> 0 - v).toArray();
  }

  /** Where it is an average of what changed; sums add it up. */
  @ParameterizedTest
  @MethodSource("all")
  void equalModelsGiveThatModel(MethodCase method) {
    assumeThat(CHANGES_ONE).doesNotContain(method.spec().name());
    assumeThat(SUMS).doesNotContain(method.spec().name());
    assumeThat(method.spec().maxModels()).isGreaterThan(1);
    for (DType dtype : DTYPES) {
      double[] base = base(dtype);
      double[] model = Stored.of(dtype, RandomModels.tuned(base, 1)).values();
      MergeInMemory merge = method.plain();
      if (method.has("normalize")) {
        merge.set("normalize", true);
      }

      assertThat(merge.dtype(dtype).tensor(base, model, model).run().values()).isEqualTo(model);
    }
  }

  /** By a power of two, which shows in no rounding. */
  @ParameterizedTest
  @MethodSource("all")
  void whatIsTwiceAsLargeMergesToTwiceAsMuch(MethodCase method) {
    assumeThat(HAS_A_SCALE).doesNotContain(method.spec().name());
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      double[] base = base(dtype);
      double[][] models = new double[method.models()][];
      Arrays.setAll(models, k -> RandomModels.tuned(base, k));

      double[] once = method.busy(models.length).dtype(dtype).tensor(base, models).run().values();
      double[] twice =
          method
              .busy(models.length)
              .dtype(dtype)
              .tensor(
                  twice(base),
                  Arrays.stream(models).map(MergeLawsTest::twice).toArray(double[][]::new))
              .run()
              .values();

      assertThat(twice).as("%s in %s", method, dtype).isEqualTo(twice(once));
    }
  }

  private static double[] twice(double[] x) {
    return Arrays.stream(x).map(v -> 2 * v).toArray();
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void zeroWeightsGiveTheBase(MethodCase method) {
    assumeThat(method.has("weight")).isTrue();
    double[] base = base(DType.BF16);

    MergeInMemory.Result merged =
        method
            .busy(2)
            .set("weight", 0.0)
            .dtype(DType.BF16)
            .tensor(base, RandomModels.tuned(base, 1), RandomModels.tuned(base, 2))
            .run();

    assertThat(merged.values()).isEqualTo(base);
  }
}
