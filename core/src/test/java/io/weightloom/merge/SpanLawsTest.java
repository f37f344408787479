package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold of every method whose output is a combination of the models. */
class SpanLawsTest {
  private static final List<DType> DTYPES = List.of(DType.BF16, DType.F16, DType.F32, DType.F64);
  private static final int N = 4099;

  /** The place in the recipe means something. */
  private static final Set<String> ORDERED = Set.of("ema", "rws", "warp");

  static List<MethodCase> all() {
    return MethodCase.ofSpans();
  }

  private static double[][] tuned(double[] base, int models) {
    double[][] tuned = new double[models][];
    for (int k = 0; k < models; k++) {
      tuned[k] = RandomModels.tuned(base, k);
    }
    return tuned;
  }

  @ParameterizedTest
  @MethodSource("all")
  void modelsEqualToTheBaseGiveTheBase(MethodCase method) {
    for (DType dtype : DTYPES) {
      double[] base = Stored.of(dtype, RandomModels.base(N, 3)).values();
      double[][] models = new double[method.models()][];
      Arrays.fill(models, base);

      double[] merged = method.merge().dtype(dtype).tensor(base, models).run().values();

      if (method.spec().base() == BaseRule.REQUIRED) {
        assertThat(merged).isEqualTo(base);
      } else {
        double step = dtype == DType.F64 ? 1e-15 : dtype == DType.F32 ? 2e-7 : 0;
        for (int i = 0; i < N; i++) {
          assertThat(merged[i]).isCloseTo(base[i], Offset.offset(step * Math.abs(base[i])));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void orderOfModelsDoesNotMatter(MethodCase method) {
    assumeThat(method.spec().maxModels()).isGreaterThan(1);
    assumeThat(ORDERED).doesNotContain(method.spec().name());
    double[] base = RandomModels.base(N, 3);
    List<double[]> models = new ArrayList<>(List.of(tuned(base, method.models())));

    double[] merged = run(method, base, models);
    java.util.Collections.rotate(models, 1);
    double[] rotated = run(method, base, models);

    for (int i = 0; i < N; i++) {
      assertThat(rotated[i]).isCloseTo(merged[i], Offset.offset(1e-9));
    }
  }

  private static double[] run(MethodCase method, double[] base, List<double[]> models) {
    return method
        .merge()
        .dtype(DType.F64)
        .tensor(base, models.toArray(double[][]::new))
        .run()
        .values();
  }

  /** The factor is a power of two, so that it shows in no rounding. */
  @ParameterizedTest
  @MethodSource("all")
  void lengthsScaleAndAnglesStay(MethodCase method) {
    double[] base = RandomModels.base(N, 3);
    List<double[]> models = List.of(tuned(base, method.models()));
    List<double[]> doubled = models.stream().map(SpanLawsTest::twice).toList();

    double[] merged = run(method, base, models);
    double[] both = run(method, twice(base), doubled);

    for (int i = 0; i < N; i++) {
      assertThat(both[i]).isCloseTo(2 * merged[i], Offset.offset(1e-6));
    }
  }

  private static double[] twice(double[] x) {
    return Arrays.stream(x).map(v -> 2 * v).toArray();
  }

  static List<Arguments> byVector() {
    List<Arguments> all = new ArrayList<>();
    for (DType dtype : List.of(DType.BF16, DType.F16, DType.F32, DType.F64)) {
      for (boolean mergekit : new boolean[] {false, true}) {
        for (String way : List.of("rows", "columns", "filter_wise")) {
          all.add(Arguments.of(way, dtype, mergekit));
        }
      }
    }
    return all;
  }

  /** Rows lie across the end of a grain, and across those of chunks. */
  @ParameterizedTest
  @MethodSource("byVector")
  void vectorsOfATensorDoNotDependOnSpansEither(String way, DType dtype, boolean mergekit) {
    long rows = 1031;
    long columns = 1021;
    byte[] expected = null;
    for (int grains : new int[] {2, 1}) {
      MergeInMemory merge =
          way.equals("filter_wise")
              ? MergeInMemory.of("model_stock").set("filter_wise", true)
              : MergeInMemory.of("nuslerp")
                  .set("weight", new double[] {0.75, 0.5})
                  .set("nuslerp_flatten", false)
                  .set("nuslerp_row_wise", way.equals("columns"));
      merge.dtype(dtype).shape("t", rows, columns).grains(grains);
      if (mergekit) {
        merge.mergekit(dtype);
      }
      if (grains == 1) {
        merge.kernels(KernelRegistry.get().kernels()).block(1 << 17).shuffled(5);
      }
      byte[] bytes =
          RandomModels.add(merge, "t", (int) (rows * columns), 2, dtype, dtype)
              .run()
              .outputs()
              .get(0)
              .bytes();
      if (expected != null) {
        assertThat(bytes).isEqualTo(expected);
      }
      expected = bytes;
    }
  }

  /** A matrix of one row, and one of one column, are merged as the vector that they are. */
  @ParameterizedTest
  @MethodSource("byVector")
  void aVectorIsAVectorInAnyShape(String way, DType dtype, boolean mergekit) {
    assumeThat(way).isNotEqualTo("filter_wise");
    double[] base = RandomModels.base(99, 1);
    double[][] models = tuned(base, 2);
    double[][] merged = new double[2][];
    for (int flat = 0; flat < 2; flat++) {
      MergeInMemory merge =
          MergeInMemory.of("nuslerp")
              .set("nuslerp_flatten", flat == 1)
              .set("nuslerp_row_wise", way.equals("columns"))
              .dtype(dtype);
      if (mergekit) {
        merge.mergekit(dtype);
      }
      merge.shape("t0", way.equals("columns") ? 99 : 1, way.equals("columns") ? 1 : 99);
      merged[flat] = merge.tensor(base, models).run().values();
    }
    double[] lanes = merged[0];
    double step = Math.scalb(1.0, dtype == DType.BF16 ? -8 : dtype == DType.F16 ? -11 : -22);
    for (int i = 0; i < 99; i++) {
      assertThat(lanes[i])
          .isCloseTo(merged[1][i], Offset.offset(step * Math.max(Math.abs(merged[1][i]), 0.01)));
    }
  }
}
