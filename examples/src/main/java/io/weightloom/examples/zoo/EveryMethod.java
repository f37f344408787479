package io.weightloom.examples.zoo;

import io.weightloom.kernel.Half;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MatrixRunner;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.Numerics;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.Span;
import io.weightloom.merge.SpanRunner;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The zoo's task models merged in memory by one method after the other, each in every variant with
 * its defaults: what a recipe of nothing but the models gives, with weights of 1 and densities of
 * 0.3 where the variant says nothing of them. Methods that need a table, or take fewer models than
 * there are tasks, are left out.
 */
final class EveryMethod {
  private static final long SEED = 42;

  /** In place of mergekit's default of 1, with which nothing is dropped. */
  private static final double DENSITY = 0.3;

  private final byte[] base;
  private final List<byte[]> tuned;
  private final SpanRunner spans = new SpanRunner(KernelRegistry.get().kernels(), 1 << 16);
  private final MatrixRunner matrices =
      new MatrixRunner(KernelRegistry.get().kernels(), LinAlgRegistry.get());

  /**
   * A method in one of its variants.
   *
   * @param variant empty where it has none
   */
  record Case(MergeMethod method, String variant) {

    boolean hasLambda() {
      return method.spec().parameter("lambda").isPresent();
    }

    @Override
    public String toString() {
      return method.spec().name() + (variant.isEmpty() ? "" : " " + variant);
    }
  }

  EveryMethod(Zoo zoo) {
    this.base = bytes(zoo.base());
    this.tuned = Arrays.stream(Task.values()).map(t -> bytes(zoo.tuned(t))).toList();
  }

  /** The methods that need nothing but the zoo. */
  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (MergeMethod method : MergeMethods.all()) {
      MethodSpec spec = method.spec();
      boolean fits =
          spec.maxModels() >= Task.values().length
              && spec.sideTables().stream().noneMatch(SideTable::required);
      if (fits && spec.variants().isEmpty()) {
        cases.add(new Case(method, ""));
      } else if (fits) {
        spec.variants().forEach(v -> cases.add(new Case(method, v.name())));
      }
    }
    return cases;
  }

  /**
   * Merges.
   *
   * @param over values in place of the variant's defaults
   */
  float[] merge(Case of, Map<String, Object> over) {
    List<TensorMerge> tensors =
        Layout.slots().stream().map(slot -> tensor(of, slot.spec(), over)).toList();
    byte[] out = new byte[base.length];
    if (of.method() instanceof ElementwiseMethod m && m.isWholeModel(tensors.get(0).params())) {
      run(m, tensors, 0, out);
      return floats(out);
    }
    for (int t = 0; t < tensors.size(); t++) {
      TensorMerge tensor = tensors.get(t);
      if (of.method() instanceof ElementwiseMethod m) {
        run(m, List.of(tensor), t, out);
      } else if (of.method() instanceof MatrixMethod m && m.isMatrix(tensor)) {
        int begin = begin(t);
        matrices.merge(m, tensor, reader(begin), writer(begin, out), true);
      } else if (of.method() instanceof MatrixMethod m) {
        emit(m.rest(new MergeScope(SEED, List.of(tensor))), List.of(tensor), t, out);
      }
    }
    return floats(out);
  }

  private void run(ElementwiseMethod method, List<TensorMerge> tensors, int first, byte[] out) {
    MergeState state = method.begin(new MergeScope(SEED, tensors));
    while (state.survey().isPresent()) {
      MergeState.Survey survey = state.survey().get();
      List<MergeState.Part> parts = new ArrayList<>();
      for (int t = 0; t < tensors.size(); t++) {
        TensorMerge tensor = tensors.get(t);
        Span span = new Span(t, 0, tensor.elements());
        parts.add(spans.survey(survey, tensor, span, reader(begin(first + t)), true));
      }
      state = survey.conclude(parts);
    }
    emit(state, tensors, first, out);
  }

  private void emit(MergeState state, List<TensorMerge> tensors, int first, byte[] out) {
    for (int t = 0; t < tensors.size(); t++) {
      TensorMerge tensor = tensors.get(t);
      int begin = begin(first + t);
      Span span = new Span(t, 0, tensor.elements());
      spans.emit(state, tensor, span, reader(begin), writer(begin, out), true);
    }
  }

  private static int begin(int slot) {
    return Layout.slots().get(slot).offset() * DType.BF16.bytes();
  }

  /** A base that is one more model stands behind the others. */
  private SpanRunner.BlockReader reader(int begin) {
    return (input, offset, into, length) ->
        System.arraycopy(
            input == SpanRunner.BASE || input >= tuned.size() ? base : tuned.get(input),
            begin + (int) offset,
            into,
            0,
            length);
  }

  private static SpanRunner.BlockWriter writer(int begin, byte[] out) {
    return (offset, block, length) -> System.arraycopy(block, 0, out, begin + (int) offset, length);
  }

  private static TensorMerge tensor(Case of, TensorSpec spec, Map<String, Object> over) {
    MethodSpec method = of.method().spec();
    boolean apart = method.base() == BaseRule.REQUIRED || method.base() == BaseRule.OPTIONAL;
    List<TensorMerge.Input> inputs = new ArrayList<>();
    Arrays.stream(Task.values()).forEach(t -> inputs.add(new TensorMerge.Input(t.label(), spec)));
    if (method.base() == BaseRule.MEMBER) {
      inputs.add(new TensorMerge.Input(Zoo.BASE, spec));
    }
    return new TensorMerge(
        spec,
        apart ? spec : null,
        inputs,
        DType.F32,
        Numerics.ACCURATE,
        params(of, inputs.size(), over));
  }

  private static Params params(Case of, int models, Map<String, Object> over) {
    Map<String, Object> defaults = new HashMap<>();
    of.method().spec().variants().stream()
        .filter(v -> v.name().equals(of.variant()))
        .map(Variant::defaults)
        .forEach(defaults::putAll);
    defaults.putAll(over);
    Map<String, Object> global = new HashMap<>();
    Map<String, List<Double>> perModel = new HashMap<>();
    for (ParamSpec param : of.method().spec().parameters()) {
      Object byDefault =
          param.name().equals("density") ? DENSITY : param.defaultValue().orElse(1.0);
      Object value = defaults.getOrDefault(param.name(), byDefault);
      if (param.scope() == ParamSpec.Scope.GLOBAL) {
        global.put(param.name(), value);
      } else {
        perModel.put(param.name(), Collections.nCopies(models, (Double) value));
      }
    }
    return new Params(global, perModel);
  }

  private static byte[] bytes(float[] weights) {
    ByteBuffer out =
        ByteBuffer.allocate(weights.length * DType.BF16.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (float weight : weights) {
      out.putShort(Half.floatToBf16(weight));
    }
    return out.array();
  }

  private static float[] floats(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    float[] weights = new float[bytes.length / DType.BF16.bytes()];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Half.bf16ToFloat(in.getShort());
    }
    return weights;
  }
}
