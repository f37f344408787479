package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.merge.ParamSpec.Scope;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every parameter of a spec is well formed and changes a result, or says that it does not. */
class MethodParametersTest {
  private static final String WITHOUT_EFFECT = "changes nothing";
  private static final int N = 7 * 15;

  /** Settings beside which a parameter may come to bear. */
  private static final List<Map<String, Object>> CONTEXTS =
      List.of(
          Map.of(),
          Map.of("density", 0.5),
          Map.of("density", 0.5, "scope", "model"),
          Map.of("density", 0.5, "rescale", true, "rescale_by", "density"),
          Map.of("trim_density", 0.5, "scope", "model"),
          Map.of("trim_density", 0.5, "zero_sign", "majority"),
          Map.of("t", 0.5),
          Map.of("tol", 0x1p-40),
          Map.of("nuslerp_flatten", false),
          Map.of("score", 0.75),
          Map.of("select", "greedy", "score", 0.75),
          Map.of("weight", 0.5, "election", "count"),
          Map.of("weight", 0.5, "normalize", true),
          Map.of("weight", 1.5),
          Map.of("select", "ties", "density", 0.5),
          Map.of("select", "ties", "density", 0.5, "zero_sign", "majority"),
          Map.of("density", 0.5, "over", "row"),
          Map.of("density", 0.5, "rescale_by", "q"),
          Map.of("density", 0.5, "multi_task", "ties"),
          Map.of("mask_lambda", 2.0, "prun_thre_k", 1.0),
          Map.of("lambda", 1.0),
          Map.of("part", "mask"),
          Map.of("t", 0.001),
          Map.of("trim", "std"),
          Map.of("mask_is", "sampled"),
          Map.of("density", 0.1, "eta", 200.0),
          Map.of("targets", "all"),
          Map.of("sparsity", 0.5),
          Map.of("sparsity", 0.5, "targets", "all"),
          Map.of("sparsity", 0.1, "targets", "all"),
          Map.of("sparsity", 0.5, "targets", "all", "scope", "row"));

  /** Words that choose between an error and none. */
  private static final List<String> POLICIES = List.of("lacking", "tail");

  static List<MethodCase> all() {
    return Stream.concat(MethodCase.all().stream(), MethodCase.ofMatrices().stream()).toList();
  }

  static List<Arguments> parameters() {
    List<Arguments> all = new ArrayList<>();
    for (MergeMethod method : MergeMethods.all()) {
      if (method instanceof ElementwiseMethod) {
        method.spec().parameters().stream()
            .filter(p -> !POLICIES.contains(p.name()))
            .forEach(p -> all.add(Arguments.of(method.spec(), p.name())));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("parameters")
  void changesAResultOrSaysThatItDoesNot(MethodSpec spec, String name) {
    ParamSpec param = spec.parameter(name).orElseThrow();
    for (Object value : alternatives(param, Math.min(3, spec.maxModels()))) {
      boolean changes =
          CONTEXTS.stream()
              .anyMatch(
                  context ->
                      !Arrays.equals(
                          bytes(spec, context), bytes(spec, with(context, name, value))));

      assertThat(changes)
          .as("%s: %s of %s", name, value, spec.name())
          .isEqualTo(!param.help().contains(WITHOUT_EFFECT));
    }
  }

  private static Map<String, Object> with(Map<String, Object> context, String key, Object value) {
    Map<String, Object> more = new HashMap<>(context);
    more.put(key, value);
    return more;
  }

  private static List<?> alternatives(ParamSpec param, int models) {
    return switch (param.type()) {
      case NUMBER -> List.of(param.scope() == Scope.MODEL ? firstHalved(models) : number(param));
      case FLAG -> List.of(!(Boolean) param.defaultValue().orElseThrow());
      case CHOICE -> param.choices().subList(1, param.choices().size());
    };
  }

  private static Object number(ParamSpec param) {
    return switch (param.name()) {
      case "dimension", "n", "mask_of", "centroids" -> 1.0;
      case "m" -> 5.0;
      case "eps" -> 0x1p-10;
      case "temperature", "first_new" -> 2.0;
      case "threshold" -> 20.0;
      default -> 0.5;
    };
  }

  private static double[] firstHalved(int models) {
    double[] values = new double[models];
    Arrays.fill(values, 1);
    values[0] = 0.5;
    return values;
  }

  private static boolean knows(ParamSpec param, Object value) {
    return param.type() != ParamSpec.Type.CHOICE || param.choices().contains(value);
  }

  /**
   * Two tensors whose statistics differ, one of them in a layer, with ties, zeros and coordinates
   * that cancel.
   */
  private static byte[] bytes(MethodSpec spec, Map<String, Object> settings) {
    byte[] narrow = bytes(spec, settings, DType.F32);
    byte[] wide = bytes(spec, settings, DType.F64);
    byte[] both = Arrays.copyOf(narrow, narrow.length + wide.length);
    System.arraycopy(wide, 0, both, narrow.length, wide.length);
    return both;
  }

  private static byte[] bytes(MethodSpec spec, Map<String, Object> settings, DType dtype) {
    MergeInMemory merge = MergeInMemory.of(spec.name()).dtype(dtype).seed(4).randomSides();
    settings.forEach(
        (key, value) -> {
          if (spec.parameter(key).filter(p -> knows(p, value)).isPresent()) {
            merge.set(key, value);
          }
        });
    int models = Math.min(3, spec.maxModels());
    for (int t = 0; t < 2; t++) {
      double[] base = RandomModels.base(N, t);
      double[][] tuned = new double[models][];
      // Here differences of parameters round otherwise than differences of task vectors.
      base[0] = t == 0 ? 2 - 0x1p-23 : base[0];
      for (int k = 0; k < models; k++) {
        double[] model = RandomModels.tuned(base, 10L * t + k);
        double factor = t + 1;
        Arrays.setAll(model, i -> base[i] + (model[i] - base[i]) * factor);
        if (t == 0) {
          model[0] = k < 2 ? 2 + (1 - k) * 0x1p-22 : base[0];
        }
        tuned[k] = model;
      }
      String name = t == 0 ? "t0" : "model.layers.1.t1";
      merge.shape(name, 7, N / 7).tensor(name, base, tuned);
    }
    MergeInMemory.Result merged = merge.run();
    int length = dtype.bytes() * N;
    byte[] both = Arrays.copyOf(merged.outputs().get(0).bytes(), 2 * length);
    System.arraycopy(merged.outputs().get(1).bytes(), 0, both, length, length);
    return both;
  }

  @ParameterizedTest
  @MethodSource("all")
  void variantsSetParametersThatExistToValuesThatAreAllowed(MethodCase method) {
    method
        .defaults()
        .forEach(
            (key, value) -> {
              ParamSpec param = method.spec().parameter(key).orElseThrow();
              switch (param.type()) {
                case NUMBER -> assertThat(param.range().contains((Double) value)).isTrue();
                case FLAG -> assertThat(value).isInstanceOf(Boolean.class);
                case CHOICE -> assertThat(param.choices()).contains((String) value);
              }
            });
  }

  @ParameterizedTest
  @MethodSource("all")
  void specSaysWhatTheDocumentationNeeds(MethodCase method) {
    MethodSpec spec = method.spec();

    assertThat(spec.name()).matches("[a-z][a-z0-9_]*");
    assertThat(spec.title()).isNotBlank();
    assertThat(spec.summary()).isNotBlank();
    assertThat(spec.paper()).matches("|https://.+");
    assertThat(spec.parameters()).extracting(ParamSpec::name).doesNotHaveDuplicates();
    assertThat(spec.parameters()).extracting(ParamSpec::help).noneMatch(String::isBlank);
    assertThat(spec.variants()).extracting(MethodSpec.Variant::name).doesNotHaveDuplicates();
    assertThat(spec.minModels()).isPositive().isLessThanOrEqualTo(spec.maxModels());
  }
}
