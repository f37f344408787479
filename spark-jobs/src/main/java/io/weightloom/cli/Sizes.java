package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Span;

/** Checks of sizes on the command line. */
final class Sizes {

  private Sizes() {}

  static void requireBlock(int elements) {
    if (Integer.bitCount(elements) != 1 || elements < Arith.CAPACITY || elements > Span.GRAIN) {
      throw WeightloomException.usage(
          "Cannot use --block-size %d: it must be a power of two from %d to %d (try 65536)"
              .formatted(elements, Arith.CAPACITY, Span.GRAIN));
    }
  }
}
