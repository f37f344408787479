package io.weightloom.spectrum;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** Matrices for the tests of this package. */
final class Matrices {
  private Matrices() {}

  /**
   * The matrix of the golden values: remainders, a decaying diagonal, rounded to F32. The same
   * formula stands in {@code dev/golden/spectrum.py}.
   */
  static double[] formula(int rows, int columns, long seed) {
    double[] out = new double[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        long remainder = (37L * i + 101L * j + (long) i * j * (7 + seed) + 13 * seed) % 1009;
        double diagonal = i == j ? 4.0 / (1 + i) : 0;
        out[i * columns + j] = (float) (remainder / 1009.0 - 0.5 + diagonal);
      }
    }
    return out;
  }

  static double[] gaussian(int count, double sigma, long seed) {
    Random random = new Random(seed);
    double[] out = new double[count];
    Arrays.setAll(out, i -> sigma * random.nextGaussian());
    return out;
  }

  static double[] uniform(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return random.doubles(count).map(x -> x - 0.5).toArray();
  }

  static TensorSpec spec(String name, DType dtype, long... dims) {
    return new TensorSpec(name, dtype, Shape.of(dims));
  }

  /** What the scan finds of tensors with these values, read in blocks of so many elements. */
  static TensorSpectra scan(
      SpectrumOptions options, int blockElements, List<TensorSpec> tensors, double[]... values) {
    SpectrumSketch sketch = new SpectrumSketch(tensors, options, LinAlgRegistry.reference());
    List<byte[]> stored =
        Stream.iterate(0, k -> k + 1)
            .limit(tensors.size())
            .map(k -> Stored.of(tensors.get(k).dtype(), values[k]).bytes())
            .toList();
    BlockCut cut = BlockCut.of(tensors.get(0), blockElements);
    for (long i = 0; i < cut.blocks(); i++) {
      BlockCut.Block place = cut.block(i);
      byte[][] data = new byte[tensors.size()][];
      for (int k = 0; k < data.length; k++) {
        int width = tensors.get(k).dtype().bytes();
        int from = (int) place.offset() * width;
        // Longer than the block, as those of a task are.
        data[k] =
            Arrays.copyOf(
                Arrays.copyOfRange(stored.get(k), from, from + (int) place.count() * width),
                (int) place.count() * width + 16);
      }
      sketch.add(new AlignedBlock(tensors, place, data));
    }
    return sketch.conclude();
  }

  static MatrixSpectrum scan(SpectrumOptions options, TensorSpec tensor, double[] values) {
    List<MatrixSpectrum> found = scan(options, 1 << 10, List.of(tensor), values).matrices();
    if (found.size() != 1) {
      throw new AssertionError(found.size() + " matrices");
    }
    return found.get(0);
  }
}
