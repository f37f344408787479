package io.weightloom.prune;

import java.util.Optional;

/** What N:M must be. */
final class NmGroups {

  private NmGroups() {}

  /** What is wrong with N:M. */
  static Optional<String> problem(double n, double m) {
    if (n != Math.rint(n) || m != Math.rint(m)) {
      return Optional.of("n: %s and m: %s must be whole numbers".formatted(n, m));
    }
    return n < m
        ? Optional.empty()
        : Optional.of(
            "%.0f:%.0f prunes nothing: n says how many of each m are kept (choose n < m, as 2:4)"
                .formatted(n, m));
  }
}
