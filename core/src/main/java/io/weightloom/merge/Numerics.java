package io.weightloom.merge;

import java.util.Locale;

/** How a merge rounds. */
public enum Numerics {
  /**
   * fp32 or fp64 throughout and one rounding at the end: fp32 work vectors for BF16 and F16, fp32
   * vectors with fp64 sums over models for F32 outputs, fp64 vectors where an F64 takes part.
   */
  ACCURATE,
  /** As mergekit computes: inputs cast to the recipe's dtype, every operation rounded to it. */
  MERGEKIT;

  /** The name in recipes, manifests and on the command line. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
