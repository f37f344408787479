package io.weightloom.compare;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether task vectors agree in sign; adds up over tensors.
 *
 * @param shared elements that two or more task vectors change
 * @param conflicting those of them where not all signs are equal
 * @param mass Σ|τ| of each model over all elements
 * @param against of it what lies against the elected sign, that of the sum of all τ as TIES elects
 *     it; where the sum is 0, all
 */
public record Signs(long shared, long conflicting, List<Double> mass, List<Double> against)
    implements Serializable {
  private static final long serialVersionUID = 1;

  public Signs {
    mass = List.copyOf(mass);
    against = List.copyOf(against);
  }

  /** NaN if nothing is shared. */
  public double conflict() {
    return (double) conflicting / shared;
  }

  /** The share of all mass that lies against the elected sign. */
  public double massAgainst() {
    return sum(against) / sum(mass);
  }

  private static double sum(List<Double> xs) {
    double sum = 0;
    for (double x : xs) {
      sum += x;
    }
    return sum;
  }

  Signs plus(Signs other) {
    return new Signs(
        shared + other.shared,
        conflicting + other.conflicting,
        plus(mass, other.mass),
        plus(against, other.against));
  }

  private static List<Double> plus(List<Double> xs, List<Double> ys) {
    List<Double> sums = new ArrayList<>();
    for (int i = 0; i < xs.size(); i++) {
      sums.add(xs.get(i) + ys.get(i));
    }
    return sums;
  }
}
