package io.weightloom.io.lora;

import io.weightloom.io.ByteSource;
import io.weightloom.io.lora.Adapter.Parts;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter changes of one tensor, taken as a matrix of its first dimension by all others:
 * {@code factor · left · right}, or the tensor as a whole.
 *
 * @param adapter whose it is
 * @param name as the adapter has it
 * @param whole the tensor in the adapter's file; null for factors
 * @param left rows × rank; null for a whole tensor
 * @param right rank × columns
 * @param leftTransposed whether left is stored rank × rows
 * @param rightTransposed whether right is stored columns × rank
 * @param rank r
 * @param scale what the product is multiplied by, the adapter's factor among it
 */
record Change(
    Adapter adapter,
    String name,
    @Nullable StoredTensor whole,
    @Nullable StoredTensor left,
    @Nullable StoredTensor right,
    boolean leftTransposed,
    boolean rightTransposed,
    int rank,
    double scale) {

  static Change of(Adapter adapter, String name, Parts parts, TensorSpec tensor) {
    requireNumbers(adapter, tensor, parts);
    StoredTensor whole = parts.whole();
    if (whole != null) {
      if (!whole.spec().shape().equals(tensor.shape())) {
        throw misfit(adapter, whole.spec(), tensor);
      }
      return new Change(adapter, name, whole, null, null, false, false, 0, adapter.factor());
    }
    StoredTensor a = java.util.Objects.requireNonNull(parts.a());
    StoredTensor b = java.util.Objects.requireNonNull(parts.b());
    int rank = Math.toIntExact(first(a));
    double scale = adapter.factor() * adapter.config().scale(parts.module(), rank);
    long rows = first(tensor.shape());
    long columns = rows == 0 ? 0 : tensor.elements() / rows;
    boolean factors = b.spec().elements() == first(b) * rank;
    boolean plain = factors && !parts.embedding() && first(b) == rows && rest(a) == columns;
    boolean transposed =
        factors && tensor.shape().rank() == 2 && rest(a) == rows && first(b) == columns;
    if (transposed && (adapter.config().transposed() || !plain)) {
      return new Change(adapter, name, null, a, b, true, true, rank, scale);
    }
    if (!plain) {
      throw AdapterConfig.failure(
          adapter.path(),
          "its factors of %s are %s and %s, the base's tensor is %s"
              .formatted(name, b.spec().shape(), a.spec().shape(), tensor.shape()),
          "see whether this is the adapter's base");
    }
    return new Change(adapter, name, null, b, a, false, false, rank, scale);
  }

  private static void requireNumbers(Adapter adapter, TensorSpec tensor, Parts parts) {
    for (StoredTensor part : java.util.Arrays.asList(parts.a(), parts.b(), parts.whole())) {
      if (part != null && !part.spec().dtype().isComputed()) {
        throw AdapterConfig.failure(
            adapter.path(),
            "%s is %s, which is not computed on".formatted(part.spec().name(), part.spec().dtype()),
            "save the adapter in float32");
      }
    }
    if (!tensor.dtype().isComputed()) {
      throw AdapterConfig.failure(
          adapter.path(),
          "%s of its base is %s, which is not computed on".formatted(tensor.name(), tensor.dtype()),
          "take the base that was not quantised");
    }
  }

  private static RuntimeException misfit(Adapter adapter, TensorSpec has, TensorSpec tensor) {
    return AdapterConfig.failure(
        adapter.path(),
        "%s has shape %s, the base's %s".formatted(has.name(), has.shape(), tensor.shape()),
        "resize the base's vocabulary first, or see whether this is the adapter's base");
  }

  private static long first(StoredTensor t) {
    return first(t.spec().shape());
  }

  private static long first(Shape shape) {
    List<Long> dims = shape.dims();
    return dims.isEmpty() ? 1 : dims.get(0);
  }

  private static long rest(StoredTensor t) {
    return first(t) == 0 ? 0 : t.spec().elements() / first(t);
  }

  /**
   * The factors in fp64, the scale in the left one.
   *
   * @param left rows × rank, row by row
   * @param right rank × columns, row by row
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Factors(double[] left, double[] right, int rank, int columns) {

    /** Adds the product's elements {@code column} to {@code column + n} of a row. */
    void addTo(double[] sum, int row, int column, int n) {
      for (int k = 0; k < rank; k++) {
        double factor = left[row * rank + k];
        int from = k * columns + column;
        for (int i = 0; i < n; i++) {
          sum[i] += factor * right[from + i];
        }
      }
    }
  }

  /** Reads the factors of a change that has some. */
  Factors factors(ByteSource source) {
    double[] l = read(source, java.util.Objects.requireNonNull(left));
    double[] r = read(source, java.util.Objects.requireNonNull(right));
    if (leftTransposed) {
      l = transposed(l, rank);
    }
    if (rightTransposed) {
      r = transposed(r, r.length / Math.max(1, rank));
    }
    for (int i = 0; i < l.length; i++) {
      l[i] *= scale;
    }
    return new Factors(l, r, rank, r.length / Math.max(1, rank));
  }

  /** Of a matrix with this many rows. */
  private static double[] transposed(double[] x, int rows) {
    int columns = x.length / Math.max(1, rows);
    double[] out = new double[x.length];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        out[j * rows + i] = x[i * columns + j];
      }
    }
    return out;
  }

  private static double[] read(ByteSource source, StoredTensor tensor) {
    return read(source, tensor, 0, Math.toIntExact(tensor.spec().elements()));
  }

  /** Elements of a stored tensor in fp64. */
  static double[] read(ByteSource source, StoredTensor tensor, long first, int count) {
    int width = tensor.spec().dtype().bytes();
    byte[] bytes = new byte[Math.multiplyExact(count, width)];
    source.readFully(tensor.begin() + first * width, bytes, 0, bytes.length);
    DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
    double[] values = new double[count];
    double[] chunk = arith.vector();
    for (int at = 0; at < count; at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, count - at);
      arith.decode(tensor.spec().dtype(), bytes, at * width, chunk, n);
      System.arraycopy(chunk, 0, values, at, n);
    }
    return values;
  }
}
