package io.weightloom.kernel.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** The shapes in use: full width for fp32 and what is as wide, half of it for 16-bit values. */
final class Species {
  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);
  static final VectorSpecies<Byte> BYTES = FLOATS.withLanes(byte.class);
  static final VectorSpecies<Double> DOUBLES = FLOATS.withLanes(double.class);
  static final VectorSpecies<Long> LONGS = FLOATS.withLanes(long.class);

  private static final VectorShape HALF = VectorShape.forBitSize(FLOATS.vectorBitSize() / 2);
  static final VectorSpecies<Float> HALF_FLOATS = VectorSpecies.of(float.class, HALF);
  static final VectorSpecies<Integer> HALF_INTS = VectorSpecies.of(int.class, HALF);
  static final VectorSpecies<Short> HALF_SHORTS = VectorSpecies.of(short.class, HALF);
  static final VectorSpecies<Byte> HALF_BYTES = VectorSpecies.of(byte.class, HALF);

  /** The lanes of an fp32 vector. */
  static final int WIDTH = FLOATS.length();

  private Species() {}
}
