package io.weightloom.merge;

import io.weightloom.tensor.DType;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Random weights that fine-tuned models might have: half of the task vector is zero, many of its
 * magnitudes are equal, and signs conflict. All values are multiples of 2⁻¹⁰ below 1, so that
 * differences are exact in every dtype but BF16. No value is −0.
 */
final class RandomModels {
  private static final double GRID = 1024;
  private static final Map<List<?>, Stored> STORED = new ConcurrentHashMap<>();

  private RandomModels() {}

  static double[] base(int n, long seed) {
    Random random = new Random(seed);
    double[] values = new double[n];
    Arrays.setAll(values, i -> Math.rint(random.nextGaussian() * 24) / 128 + 0.0);
    return values;
  }

  /** The base with a few steps of the grid added. */
  static double[] tuned(double[] base, long seed) {
    Random random = new Random(~seed);
    double[] values = base.clone();
    for (int i = 0; i < values.length; i++) {
      if (random.nextBoolean()) {
        values[i] += (random.nextInt(17) - 8) / GRID + 0.0;
      }
    }
    return values;
  }

  /** Task vectors without ties and without zeros. */
  static double[] distinct(int n, long seed) {
    Random random = new Random(seed);
    double[] values = new double[n];
    Arrays.setAll(values, i -> random.nextGaussian());
    return values;
  }

  /** Adds a tensor of {@code n} elements; the models' dtypes are taken in turn. */
  static MergeInMemory add(
      MergeInMemory merge, String name, int n, int models, DType base, DType... dtypes) {
    Stored[] tuned = new Stored[models];
    for (int k = 0; k < models; k++) {
      tuned[k] = stored(n, k, base, dtypes[k % dtypes.length]);
    }
    return merge.tensor(name, stored(n, -1, base, base), tuned);
  }

  /** Kept, for millions of random numbers take longer than their merge. */
  private static Stored stored(int n, int model, DType base, DType dtype) {
    return STORED.computeIfAbsent(
        List.of(n, model, base, dtype),
        key -> {
          double[] values = Stored.of(base, base(n, n)).values();
          return Stored.of(dtype, model < 0 ? values : tuned(values, n * 10L + model));
        });
  }
}
