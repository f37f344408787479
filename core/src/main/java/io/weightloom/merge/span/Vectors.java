package io.weightloom.merge.span;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.tensor.DType;

/** What is combined, and in which order the coefficients go. */
public enum Vectors {
  /** The models' weights. */
  MODELS,
  /** The models' weights, then the base's. */
  MODELS_AND_BASE,
  /** The models' task vectors; their combination is added to the base. */
  TASK_VECTORS,
  /** The models' weights, then a vector of ones, whose products are sums and the count. */
  MODELS_AND_ONES;

  /** How many there are for so many models. */
  public int count(int models) {
    return this == MODELS || this == TASK_VECTORS ? models : models + 1;
  }

  /** A work vector of ones. */
  public static <V> V ones(Arith<V> arith) {
    byte[] bytes = new byte[Arith.CAPACITY * Float.BYTES];
    for (int i = 0; i < Arith.CAPACITY; i++) {
      // 1.0f, little-endian
      bytes[Float.BYTES * i + 2] = (byte) 0x80;
      bytes[Float.BYTES * i + 3] = 0x3f;
    }
    V ones = arith.vector();
    arith.decode(DType.F32, bytes, 0, ones, Arith.CAPACITY);
    return ones;
  }

  /** Gives the vectors of chunk after chunk, in arrays that are used again. */
  <V> Of<V> of(Arith<V> arith, int models) {
    V[] all = arith.vectors(count(models));
    if (this == MODELS_AND_ONES) {
      all[models] = ones(arith);
    }
    return chunk -> {
      for (int k = 0; k < models; k++) {
        all[k] = chunk.inputs()[k];
        if (this == TASK_VECTORS) {
          arith.subtract(all[k], chunk.base(), all[k], chunk.length());
        }
      }
      if (this == MODELS_AND_BASE) {
        all[models] = chunk.base();
      }
      return all;
    };
  }

  /** The vectors of a chunk. */
  @FunctionalInterface
  interface Of<V> {
    V[] chunk(Chunk<V> chunk);
  }
}
