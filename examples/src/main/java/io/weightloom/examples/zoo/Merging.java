package io.weightloom.examples.zoo;

import io.weightloom.kernel.CounterRandom;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The demo's four merges with the meaning that mergekit gives them, in a few plain lines: an
 * independent yardstick to choose recipes with. All weights are 1 and trimming is per tensor; the
 * result is rounded to BF16.
 *
 * @param method what is done
 * @param density share of each task vector that is kept
 * @param lambda factor of the merged task vector
 */
record Merging(Method method, double density, double lambda) {
  private static final long SEED = 42;

  /** How task vectors are combined. */
  enum Method {
    /** The mean of the models. */
    LINEAR,
    /** The sum of the task vectors. */
    TASK_ARITHMETIC,
    /** Trim the smallest, elect signs by mass, take the mean of those that agree. */
    TIES,
    /** Drop at random, rescale to the same L1 norm, elect signs, sum those that agree. */
    DARE_TIES
  }

  /** Merges into the base. */
  float[] merge(float[] base, List<float[]> tuned) {
    float[][] deltas = tuned.stream().map(model -> subtract(model, base)).toArray(float[][]::new);
    if (density < 1) {
      for (int k = 0; k < deltas.length; k++) {
        for (Layout.Slot slot : Layout.slots()) {
          sparsify(deltas[k], slot, k);
        }
      }
    }
    float[] out = new float[base.length];
    float[] at = new float[deltas.length];
    for (int i = 0; i < base.length; i++) {
      for (int k = 0; k < at.length; k++) {
        at[k] = deltas[k][i];
      }
      out[i] = base[i] + (float) lambda * combine(at);
    }
    return Trainer.stored(out);
  }

  private float combine(float[] deltas) {
    float sum = 0f;
    for (float d : deltas) {
      sum += d;
    }
    if (method == Method.LINEAR || method == Method.TASK_ARITHMETIC) {
      return method == Method.LINEAR ? sum / deltas.length : sum;
    }
    float sign = sum >= 0 ? 1f : -1f;
    float agreed = 0f;
    int count = 0;
    for (float d : deltas) {
      if (d * sign > 0) {
        agreed += d;
        count++;
      }
    }
    return method == Method.TIES && count > 0 ? agreed / count : agreed;
  }

  private void sparsify(float[] delta, Layout.Slot slot, int model) {
    double before = magnitude(delta, slot);
    if (method == Method.TIES) {
      trim(delta, slot);
      return;
    }
    long key = CounterRandom.key(SEED, "model " + model, slot.spec().name());
    for (int i = 0; i < slot.size(); i++) {
      if (CounterRandom.uniform(key, i) >= density) {
        delta[slot.offset() + i] = 0f;
      }
    }
    double after = magnitude(delta, slot);
    for (int i = 0; i < slot.size() && after > 1e-7; i++) {
      delta[slot.offset() + i] *= (float) (before / after);
    }
  }

  /** Keeps exactly the largest; of equals, those with the lowest index. */
  private void trim(float[] delta, Layout.Slot slot) {
    int kept = (int) (density * slot.size());
    int[] order =
        IntStream.range(slot.offset(), slot.offset() + slot.size())
            .boxed()
            .sorted((a, b) -> Float.compare(Math.abs(delta[b]), Math.abs(delta[a])))
            .mapToInt(Integer::intValue)
            .toArray();
    Arrays.stream(order).skip(kept).forEach(i -> delta[i] = 0f);
  }

  private static double magnitude(float[] delta, Layout.Slot slot) {
    double sum = 0;
    for (int i = 0; i < slot.size(); i++) {
      sum += Math.abs(delta[slot.offset() + i]);
    }
    return sum;
  }

  private static float[] subtract(float[] model, float[] base) {
    float[] delta = new float[base.length];
    for (int i = 0; i < base.length; i++) {
      delta[i] = model[i] - base[i];
    }
    return delta;
  }
}
