package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every method gives the same bytes whatever the blocks, the spans, their order and the kernels.
 */
class MergeMethodContractTest {
  private static final int[] SIZES = {1, 63, 64, 99, 100, 101, 4096};

  /** A little more than a grain, in rows of which one lies across two spans. */
  private static final int ROWS = 4097;

  private static final int ROW = 257;

  private static final Kernels SCALAR = KernelRegistry.scalar();
  private static final Kernels FASTEST = KernelRegistry.get().kernels();

  /** Dtypes of the base, the models in turn and the output, and how to round. */
  private record Types(DType base, DType[] models, DType output, UnaryOperator<MergeInMemory> how) {
    static Types accurate(DType all) {
      return new Types(all, new DType[] {all}, all, m -> m);
    }

    static Types mergekit(DType all) {
      return new Types(all, new DType[] {all}, all, m -> m.mergekit(all));
    }

    @Override
    public String toString() {
      return base + " " + Arrays.toString(models) + " to " + output;
    }
  }

  private static final DType[] MIXED = {DType.F16, DType.F32, DType.BF16};
  private static final DType[] WITH_F64 = {DType.F64, DType.F32, DType.BF16};

  private static final List<Types> TYPES =
      List.of(
          Types.accurate(DType.BF16),
          Types.accurate(DType.F16),
          Types.accurate(DType.F32),
          Types.accurate(DType.F64),
          Types.mergekit(DType.BF16),
          Types.mergekit(DType.F16),
          Types.mergekit(DType.F32),
          new Types(DType.BF16, MIXED, DType.BF16, m -> m),
          new Types(DType.BF16, MIXED, DType.F32, m -> m.mergekit(DType.BF16)),
          new Types(DType.F32, WITH_F64, DType.F16, m -> m),
          new Types(DType.F32, WITH_F64, DType.F64, m -> m.mergekit(DType.F16)));

  /** One way of walking the tensors. */
  private record Walk(Kernels kernels, int block, int grains, long order) {}

  static List<Arguments> casesAndTypes() {
    List<Arguments> all = new ArrayList<>();
    for (MethodCase c : MethodCase.all()) {
      TYPES.forEach(t -> all.add(Arguments.of(c, t)));
    }
    return all;
  }

  static List<MethodCase> cases() {
    return MethodCase.all();
  }

  @ParameterizedTest
  @MethodSource("casesAndTypes")
  void bytesDoNotDependOnBlocksOrderOrKernels(MethodCase method, Types types) {
    MergeInMemory.Result expected = run(method, types, SIZES, new Walk(SCALAR, 2048, 1, 0));

    for (Walk walk :
        List.of(
            new Walk(FASTEST, 2048, 1, 1),
            new Walk(SCALAR, 8192, 1, 2),
            new Walk(FASTEST, 8192, 2, 3))) {
      assertSame(run(method, types, SIZES, walk), expected);
    }
  }

  @Tag("thorough")
  @ParameterizedTest
  @MethodSource("cases")
  void bytesDoNotDependOnSpans(MethodCase method) {
    int[] sizes = {ROWS * ROW, 99};
    for (Types types : List.of(TYPES.get(0), TYPES.get(6))) {
      MergeInMemory.Result expected = run(method, types, sizes, new Walk(SCALAR, 2048, 2, 0));

      for (Walk walk : List.of(new Walk(FASTEST, 1 << 17, 1, 1), new Walk(SCALAR, 1 << 20, 1, 2))) {
        assertSame(run(method, types, sizes, walk), expected);
      }
    }
  }

  private static void assertSame(MergeInMemory.Result actual, MergeInMemory.Result expected) {
    for (int t = 0; t < expected.outputs().size(); t++) {
      assertThat(actual.outputs().get(t).bytes()).isEqualTo(expected.outputs().get(t).bytes());
      assertThat(actual.counts().get(t).keySet()).isEqualTo(expected.counts().get(t).keySet());
      Map<String, long[]> counts = actual.counts().get(t);
      expected.counts().get(t).forEach((k, c) -> assertThat(counts.get(k)).isEqualTo(c));
    }
    assertThat(actual.decisions()).isEqualTo(expected.decisions());
    assertThat(actual.reads()).isEqualTo(expected.reads());
  }

  private static MergeInMemory.Result run(MethodCase method, Types types, int[] sizes, Walk walk) {
    MergeInMemory merge =
        types
            .how()
            .apply(method.busy(method.models()).dtype(types.output()))
            .seed(11)
            .kernels(walk.kernels())
            .block(walk.block())
            .grains(walk.grains())
            .shuffled(walk.order())
            .shape("t" + ROWS * ROW, ROWS, ROW);
    for (int n : sizes) {
      RandomModels.add(merge, "t" + n, n, method.models(), types.base(), types.models());
    }
    return merge.run();
  }

  @Test
  void vectorKernelsAreHeldToTheScalarOnes() {
    assertThat(FASTEST.name()).isEqualTo("vector");
  }
}
