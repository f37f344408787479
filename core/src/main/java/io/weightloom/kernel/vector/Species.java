package io.weightloom.kernel.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The shapes in use. There is one shape for the arithmetic of each element type, the others are
 * only loaded, stored and converted: C2 knows the class of some vectors from its profile alone, and
 * one loop with another shape would slow down all that share the profile.
 */
final class Species {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  static final VectorSpecies<Double> DOUBLES = FLOATS.withLanes(double.class);
  static final VectorSpecies<Long> LONGS = FLOATS.withLanes(long.class);

  private static final VectorShape HALF = VectorShape.forBitSize(FLOATS.vectorBitSize() / 2);
  static final VectorSpecies<Float> HALF_FLOATS = VectorSpecies.of(float.class, HALF);
  static final VectorSpecies<Short> HALF_SHORTS = VectorSpecies.of(short.class, HALF);
  static final VectorSpecies<Byte> HALF_BYTES = VectorSpecies.of(byte.class, HALF);

  /** The lanes of an fp32 vector. */
  static final int WIDTH = FLOATS.length();

  private Species() {}
}
