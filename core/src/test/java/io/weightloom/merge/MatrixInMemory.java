package io.weightloom.merge;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Runs a matrix method on matrices in arrays, bytes in and bytes out. For one thread. */
final class MatrixInMemory {
  private final MatrixMethod method;
  private final Map<String, Object> values = new HashMap<>();
  private String variant;
  private DType dtype = DType.F64;
  private DenseLinAlg linAlg = LinAlgRegistry.reference();
  private List<Matrix> grams = List.of();
  private boolean checkFinite = true;
  private String name = "model.layers.0.mlp.up_proj.weight";

  /** The output, decisions, and how often each input's first byte was read: base last. */
  record Result(double[] values, byte[] bytes, Map<String, Object> decisions, int[] reads) {}

  MatrixInMemory(MatrixMethod method) {
    this.method = method;
    this.variant = method.spec().variants().isEmpty() ? "" : method.spec().variants().get(0).name();
  }

  static MatrixInMemory of(String method) {
    return new MatrixInMemory((MatrixMethod) MergeMethods.named(method).orElseThrow());
  }

  MatrixInMemory variant(String newVariant) {
    variant = newVariant;
    return this;
  }

  MatrixInMemory set(String key, Object value) {
    if (method.spec().parameter(key).isEmpty()) {
      throw new IllegalArgumentException(method.spec().name() + " has no parameter " + key);
    }
    values.put(key, value);
    return this;
  }

  MatrixInMemory dtype(DType newDtype) {
    dtype = newDtype;
    return this;
  }

  MatrixInMemory linAlg(DenseLinAlg newLinAlg) {
    linAlg = newLinAlg;
    return this;
  }

  MatrixInMemory grams(Matrix... newGrams) {
    grams = List.of(newGrams);
    return this;
  }

  MatrixInMemory keepNonFinite() {
    checkFinite = false;
    return this;
  }

  MatrixInMemory named(String tensor) {
    name = tensor;
    return this;
  }

  /** As the planner would make it. */
  TensorMerge tensor(int models, long... shape) {
    TensorSpec spec = new TensorSpec(name, dtype, Shape.of(shape));
    return new TensorMerge(
        spec,
        method.spec().base() == BaseRule.REQUIRED ? spec : null,
        IntStream.range(0, models)
            .mapToObj(k -> new TensorMerge.Input(MergeInMemory.modelName(k), spec))
            .toList(),
        dtype,
        Numerics.ACCURATE,
        ResolvedParams.of(method.spec(), variant, values, models),
        IntStream.range(0, grams.size()).mapToObj(this::side).toList());
  }

  private TensorMerge.Side side(int k) {
    Shape shape = Shape.of(grams.get(k).rows(), grams.get(k).columns());
    String table = method.spec().sideTables().get(0).name();
    return new TensorMerge.Side(
        table,
        table + " of " + MergeInMemory.modelName(k),
        new TensorSpec(name, DType.F64, shape),
        SideTable.Layout.GRAM,
        Double.NEGATIVE_INFINITY);
  }

  /** Merges models whose base is zero. */
  Result taskVectors(Matrix... deltas) {
    return run(Matrix.zeros(deltas[0].rows(), deltas[0].columns()), deltas);
  }

  /** The merge of vectors, as of all that is no matrix. */
  double[] rest(double[] base, double[]... vectors) {
    TensorMerge tensor = tensor(vectors.length, base.length);
    DoubleArith arith = new DoubleArith(KernelRegistry.scalar());
    double[][] models =
        Arrays.stream(vectors).map(v -> Arrays.copyOf(v, Arith.CAPACITY)).toArray(double[][]::new);
    double[] out = arith.vector();
    method
        .rest(new MergeScope(0, List.of(tensor)))
        .emitter(arith, new Span(0, 0, base.length))
        .emit(
            new Chunk<>(Arrays.copyOf(base, Arith.CAPACITY), models, arith.vectors(0))
                .at(0, base.length),
            out);
    return Arrays.copyOf(out, base.length);
  }

  Result run(@Nullable Matrix base, Matrix... models) {
    Matrix first = models[0];
    TensorMerge tensor = tensor(models.length, first.rows(), first.columns());
    if (!method.isMatrix(tensor)) {
      throw new IllegalStateException(tensor.output() + " is not taken as a matrix");
    }
    List<byte[]> stored = new ArrayList<>();
    for (Matrix m : models) {
      stored.add(Stored.of(dtype, Arrays.copyOf(m.values(), m.size())).bytes());
    }
    grams.forEach(g -> stored.add(Stored.of(DType.F64, g.values()).bytes()));
    if (base != null) {
      stored.add(Stored.of(dtype, base.values()).bytes());
    }
    byte[] out = new byte[first.size() * dtype.bytes()];
    boolean[] written = new boolean[out.length];
    int[] reads = new int[stored.size()];
    Map<String, Object> decisions =
        new MatrixRunner(KernelRegistry.scalar(), linAlg)
            .merge(
                method,
                tensor,
                (input, offset, into, length) -> {
                  int i = input == SpanRunner.BASE ? stored.size() - 1 : input;
                  reads[i] += offset == 0 ? 1 : 0;
                  System.arraycopy(stored.get(i), (int) offset, into, 0, length);
                },
                (offset, block, length) -> {
                  System.arraycopy(block, 0, out, (int) offset, length);
                  for (int i = 0; i < length; i++) {
                    if (written[(int) offset + i]) {
                      throw new IllegalStateException("byte " + (offset + i) + " written twice");
                    }
                    written[(int) offset + i] = true;
                  }
                },
                checkFinite);
    for (int i = 0; i < written.length; i++) {
      if (!written[i]) {
        throw new IllegalStateException("byte " + i + " was not written");
      }
    }
    if (Arrays.stream(reads).max().orElse(0) > method.reads(tensor)) {
      throw new IllegalStateException(
          Arrays.toString(reads) + " reads, promised " + method.reads(tensor));
    }
    return new Result(new Stored(dtype, out).values(), out, decisions, reads);
  }
}
