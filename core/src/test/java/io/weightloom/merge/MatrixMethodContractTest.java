package io.weightloom.merge;

import static io.weightloom.linalg.Matrices.random;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.Gram;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.ParamSpec.Scope;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold of every matrix method, whatever its formula. */
class MatrixMethodContractTest {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String PROJECTION = "model.text_projection.weight";

  static List<MethodCase> all() {
    // What prunes one model has laws of its own, see PruningTest.
    return MethodCase.ofMatrices().stream().filter(c -> isMerge(c.spec())).toList();
  }

  private static boolean isMerge(MethodSpec spec) {
    return spec.maxModels() > 2;
  }

  static List<MethodCase> ofTaskVectors() {
    return all().stream().filter(c -> c.spec().base() == BaseRule.REQUIRED).toList();
  }

  private static MatrixInMemory merge(MethodCase method) {
    MatrixInMemory merge = MatrixInMemory.of(method.spec().name());
    return method.variant().isEmpty() ? merge : merge.variant(method.variant());
  }

  /** With Gram matrices for as many models, where the method uses them. */
  private static MatrixInMemory merge(MethodCase method, int models, int columns) {
    Matrix[] grams = new Matrix[models];
    for (int k = 0; k < models; k++) {
      Matrix inputs = random(columns + 2, columns, 100 + k);
      grams[k] = new Gram(LinAlgRegistry.reference(), columns).add(inputs).matrix();
    }
    return method.spec().sideTables().isEmpty() ? merge(method) : merge(method).grams(grams);
  }

  private static Matrix tuned(Matrix base, long seed) {
    Matrix m = random(base.rows(), base.columns(), seed);
    m.scale(0.1);
    m.add(1, base);
    return m;
  }

  @ParameterizedTest
  @MethodSource("all")
  void sameModelsGiveTheSameBytesAndRecords(MethodCase method) {
    for (int[] shape : new int[][] {{1, 1}, {1, 9}, {9, 1}, {12, 7}, {7, 12}, {3, 3}}) {
      Matrix base = random(shape[0], shape[1], 1);
      Matrix[] models = {tuned(base, 2), tuned(base, 3), tuned(base, 4)};

      MatrixInMemory.Result once = merge(method, 3, shape[1]).dtype(DType.F32).run(base, models);
      MatrixInMemory.Result again = merge(method, 3, shape[1]).dtype(DType.F32).run(base, models);

      assertThat(again.bytes()).isEqualTo(once.bytes());
      assertThat(again.decisions()).isEqualTo(once.decisions());
      assertThat(once.values()).doesNotContain(Double.NaN);
    }
  }

  @ParameterizedTest
  @MethodSource("all")
  void modelsEqualToTheBaseGiveTheBase(MethodCase method) {
    Matrix base = random(7, 5, 5);

    assertThat(merge(method, 3, 5).run(base, base, base, base).values())
        .containsExactly(base.values(), Offset.offset(method.has("lambda") ? 0 : 1e-12));
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void lambdaZeroGivesTheBase(MethodCase method) {
    Matrix base = random(7, 5, 6);

    assertThat(merge(method).set("lambda", 0.0).run(base, tuned(base, 7), tuned(base, 8)).values())
        .isEqualTo(base.values());
  }

  @ParameterizedTest
  @MethodSource("all")
  void orderOfModelsDoesNotMatter(MethodCase method) {
    Matrix base = random(6, 8, 9);
    Matrix a = tuned(base, 10);
    Matrix b = tuned(base, 11);
    Matrix c = tuned(base, 12);

    Matrix gram = new Gram(LinAlgRegistry.reference(), 8).add(random(9, 8, 13)).matrix();

    Matrix[] grams =
        method.spec().sideTables().isEmpty()
            ? new Matrix[0]
            : new Matrix[] {gram, gram.copy(), gram.copy()};

    assertThat(merge(method).grams(grams).run(base, c, a, b).values())
        .containsExactly(
            merge(method).grams(grams).run(base, a, b, c).values(), Offset.offset(1e-9));
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void negatedTaskVectorsGiveTheNegation(MethodCase method) {
    Matrix a = random(6, 5, 13);
    Matrix b = random(6, 5, 14);
    double[] merged = merge(method).taskVectors(a, b).values();
    a.scale(-1);
    b.scale(-1);

    double[] negated = merge(method).taskVectors(a, b).values();

    assertThat(Arrays.stream(negated).map(v -> -v).toArray())
        .containsExactly(merged, Offset.offset(1e-12));
  }

  static List<Arguments> parameters() {
    List<Arguments> all = new ArrayList<>();
    for (MergeMethod method : MergeMethods.all()) {
      if (method instanceof MatrixMethod && isMerge(method.spec())) {
        method.spec().parameters().stream()
            .filter(p -> !p.name().equals("matrices") && !p.name().equals("rest"))
            .forEach(p -> all.add(Arguments.of(method, p)));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("parameters")
  void everyParameterChangesAResult(MatrixMethod method, ParamSpec param) {
    Object other =
        switch (param.type()) {
          case NUMBER ->
              param.scope() == Scope.MODEL
                  ? new double[] {2, 1}
                  : param.name().startsWith("min_") ? (Object) 1.0 : (Object) 0.5;
          case FLAG -> !(Boolean) param.defaultValue().orElseThrow();
          case CHOICE -> param.choices().get(1);
        };
    Matrix base = random(6, 9, 15);
    Matrix[] models = {tuned(base, 16), tuned(base, 17)};
    Map<String, Object> few = new HashMap<>();
    if (method.spec().parameter("iterations").isPresent() && !param.name().equals("iterations")) {
      few.put("iterations", 3.0);
    }
    // A tenth of a rank of 6 is none, which would leave nothing for the routing weights to weigh.
    if (method.spec().parameter("mask_rate").isPresent() && !param.name().equals("mask_rate")) {
      few.put("mask_rate", 0.25);
    }

    assertThat(run(method, few, param.name(), other, base, models))
        .isNotEqualTo(run(method, few, "", other, base, models));
  }

  private static byte[] run(
      MatrixMethod method,
      Map<String, Object> settings,
      String key,
      Object value,
      Matrix base,
      Matrix... models) {
    MatrixInMemory merge = merge(new MethodCase(method.spec(), ""), 2, 9);
    settings.forEach(merge::set);
    if (!key.isEmpty()) {
      merge.set(key, value);
    }
    return merge.run(base, models).bytes();
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void takesTheMatricesThatItsParameterNames(MethodCase method) {
    MatrixMethod m = (MatrixMethod) MergeMethods.named(method.spec().name()).orElseThrow();

    assertThat(m.isMatrix(merge(method).tensor(2, 3, 4))).isTrue();
    assertThat(m.isMatrix(merge(method).tensor(2, 4))).isFalse();
    assertThat(m.isMatrix(merge(method).tensor(2, 2, 3, 4))).isFalse();
    assertThat(m.isMatrix(merge(method).tensor(2, 0, 4))).isFalse();
    assertThat(takes(m, method, "all", PROJECTION)).isTrue();
    assertThat(takes(m, method, "reference", PROJECTION)).isFalse();
    assertThat(takes(m, method, "reference", EMBEDDING)).isTrue();
    assertThat(takes(m, method, "layers", EMBEDDING)).isFalse();
  }

  private static boolean takes(MatrixMethod m, MethodCase method, String matrices, String name) {
    return m.isMatrix(merge(method).set("matrices", matrices).named(name).tensor(2, 3, 4));
  }

  @ParameterizedTest
  @MethodSource("ofTaskVectors")
  void restIsTheMeanTaskVectorOrTheBase(MethodCase method) {
    MatrixInMemory half = merge(method).set("lambda", 0.5);
    double[] mean = rest(method.has("rest") ? half.set("rest", "mean") : half);

    assertThat(mean).containsExactly(10 + 0.5 * (2 + 6) / 2, 20 + 0.5 * (4 - 4) / 2);
    if (method.has("rest")) {
      assertThat(rest(merge(method).set("rest", "base"))).containsExactly(10, 20);
    }
  }

  private static double[] rest(MatrixInMemory merge) {
    return merge.rest(new double[] {10, 20}, new double[] {12, 24}, new double[] {16, 16});
  }

  @ParameterizedTest
  @MethodSource("all")
  void memoryGrowsWithTheMatrixAndIsAtLeastIt(MethodCase method) {
    MatrixMethod m = (MatrixMethod) MergeMethods.named(method.spec().name()).orElseThrow();
    long small = m.workBytes(merge(method).tensor(2, 1024, 1024));
    long large = m.workBytes(merge(method).tensor(2, 2048, 2048));

    assertThat(small).isBetween(8L << 20, 240L << 20);
    assertThat(large).isGreaterThan(2 * small);
  }
}
