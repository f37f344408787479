package io.weightloom.compare;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Walks over a block and gives the differences of pairs of models, chunk by chunk: second less
 * first, rounded once to fp32; 0 where it is no finite number. For one thread.
 */
final class Differences {
  private static final VarHandle DOUBLES =
      MethodHandles.byteArrayViewVarHandle(double[].class, ByteOrder.LITTLE_ENDIAN);

  /** The first and the second model of a pair. */
  record Models(int first, int second) {

    /** The base with each other, or all with all. */
    static List<Models> of(int count, boolean hasBase) {
      List<Models> pairs = new ArrayList<>();
      for (int i = 0; i < (hasBase ? 1 : count); i++) {
        for (int j = i + 1; j < count; j++) {
          pairs.add(new Models(i, j));
        }
      }
      return pairs;
    }
  }

  /** Sees a chunk. */
  @FunctionalInterface
  interface Visitor {
    /**
     * Sees the next values.
     *
     * @param n how many
     */
    void see(int n);
  }

  final List<Models> pairs;

  /** The values of each model; what is not finite is 0 after the differences were made. */
  final float[][] values;

  /** The differences of each pair. */
  final float[][] deltas;

  /** Of each pair, whether all bytes of the block are equal. */
  final boolean[] equal;

  /** Of each pair, changed elements whose difference is not finite, in the chunk at hand. */
  final int[] nonFinite;

  private final Kernels kernels;
  private final double[][] wide;

  Differences(Kernels kernels, int models, boolean hasBase) {
    this.kernels = kernels;
    this.pairs = Models.of(models, hasBase);
    this.values = new float[models][Arith.CAPACITY];
    this.deltas = new float[pairs.size()][Arith.CAPACITY];
    this.equal = new boolean[pairs.size()];
    this.nonFinite = new int[pairs.size()];
    this.wide = new double[models][];
  }

  void walk(AlignedBlock block, Visitor visitor) {
    for (int p = 0; p < pairs.size(); p++) {
      equal[p] = areEqual(block, pairs.get(p));
      if (equal[p]) {
        Arrays.fill(deltas[p], 0);
      }
    }
    for (int at = 0; at < block.count(); at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, block.count() - at);
      decode(block, at, n);
      for (int p = 0; p < pairs.size(); p++) {
        nonFinite[p] = 0;
        if (!equal[p]) {
          subtract(block.tensors(), p, n);
        }
      }
      for (float[] x : values) {
        silence(x, n);
      }
      visitor.see(n);
    }
  }

  private static boolean areEqual(AlignedBlock block, Models pair) {
    int a = pair.first();
    int b = pair.second();
    int length = block.length(a);
    return block.tensors().get(a).dtype() == block.tensors().get(b).dtype()
        && Arrays.equals(block.data()[a], 0, length, block.data()[b], 0, length);
  }

  private void decode(AlignedBlock block, int at, int n) {
    for (int k = 0; k < values.length; k++) {
      DType dtype = block.tensors().get(k).dtype();
      byte[] data = block.data()[k];
      if (dtype == DType.F64) {
        decodeDoubles(k, data, at, n);
      } else {
        kernels.decode(dtype, data, at * dtype.bytes(), values[k], n);
      }
    }
  }

  private void decodeDoubles(int k, byte[] data, int at, int n) {
    if (wide[k] == null) {
      wide[k] = new double[Arith.CAPACITY];
    }
    for (int i = 0; i < n; i++) {
      wide[k][i] = (double) DOUBLES.get(data, 8 * (at + i));
      values[k][i] = (float) wide[k][i];
    }
  }

  private void subtract(List<TensorSpec> tensors, int p, int n) {
    int a = pairs.get(p).first();
    int b = pairs.get(p).second();
    float[] delta = deltas[p];
    boolean isWide = isWide(tensors, a) || isWide(tensors, b);
    if (isWide) {
      for (int i = 0; i < n; i++) {
        delta[i] = (float) (at(tensors, b, i) - at(tensors, a, i));
      }
    } else {
      kernels.subtract(values[b], values[a], delta, n);
    }
    if (kernels.firstNonFinite(delta, n) >= 0) {
      for (int i = 0; i < n; i++) {
        if (!Float.isFinite(delta[i])) {
          delta[i] = 0;
          double x = at(tensors, a, i);
          double y = at(tensors, b, i);
          nonFinite[p] += x == y || (Double.isNaN(x) && Double.isNaN(y)) ? 0 : 1;
        }
      }
    }
  }

  private static boolean isWide(List<TensorSpec> tensors, int model) {
    return tensors.get(model).dtype() == DType.F64;
  }

  private double at(List<TensorSpec> tensors, int model, int i) {
    return isWide(tensors, model) ? wide[model][i] : values[model][i];
  }

  private void silence(float[] x, int n) {
    if (kernels.firstNonFinite(x, n) >= 0) {
      for (int i = 0; i < n; i++) {
        x[i] = Float.isFinite(x[i]) ? x[i] : 0;
      }
    }
  }
}
