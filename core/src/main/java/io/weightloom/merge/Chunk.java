package io.weightloom.merge;

import org.jspecify.annotations.Nullable;

/**
 * The values of the base and of all models at up to {@link Arith#CAPACITY} consecutive coordinates.
 * Borrowed for the call; what receives it may overwrite the vectors.
 *
 * @param <V> the work vector
 */
public final class Chunk<V> {
  private final @Nullable V base;
  private final V[] inputs;
  private final V[] sides;
  private long first;
  private int length;

  /** A chunk over these vectors, placed by {@link #at}. */
  public Chunk(@Nullable V base, V[] inputs, V[] sides) {
    this.base = base;
    this.inputs = inputs;
    this.sides = sides;
  }

  /** Places the chunk: {@code first} is the flat index in the tensor. */
  public Chunk<V> at(long newFirst, int newLength) {
    first = newFirst;
    length = newLength;
    return this;
  }

  /** The base model's values. */
  public V base() {
    if (base == null) {
      throw new IllegalStateException("this merge has no base model");
    }
    return base;
  }

  /** The models' values in recipe order. */
  public V[] inputs() {
    return inputs;
  }

  /** The side tables' values, in the order of {@link TensorMerge#sides}. */
  public V[] sides() {
    return sides;
  }

  public long first() {
    return first;
  }

  public int length() {
    return length;
  }
}
