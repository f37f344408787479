package io.weightloom.stats;

import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import java.util.List;
import java.util.SplittableRandom;

/** Blocks for the tests of this package, and their values decoded without code of the product. */
final class Blocks {
  static final List<DType> COMPUTED = List.of(DType.BF16, DType.F16, DType.F32, DType.F64);

  private Blocks() {}

  /** Values of the size of weights, among them zeros and repeated ones; all finite. */
  static Stored weights(DType dtype, SplittableRandom random, int n) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] =
          switch (random.nextInt(10)) {
            case 0 -> random.nextBoolean() ? 0.0 : -0.0;
            case 1 -> (random.nextInt(5) - 2) * 0.25;
            default -> 0.02 * (random.nextDouble() + random.nextDouble() - 1);
          };
    }
    return Stored.of(dtype, values);
  }

  /** Any bits: NaNs, infinities and denormals among them. */
  static Stored bits(DType dtype, SplittableRandom random, int n) {
    byte[] bytes = new byte[n * dtype.bytes()];
    random.nextBytes(bytes);
    return new Stored(dtype, bytes);
  }

  static BlockData block(Stored stored) {
    return BlockData.of(stored.dtype(), stored.bytes());
  }

  static BlockData block(DType dtype, double... values) {
    return block(Stored.of(dtype, values));
  }

  /** The bytes from one element to another. */
  static BlockData part(Stored stored, int begin, int end) {
    int width = stored.dtype().bytes();
    return new BlockData(stored.dtype(), stored.bytes(), begin * width, (end - begin) * width);
  }
}
