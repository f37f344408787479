package io.weightloom.stats;

import java.io.Serializable;
import java.util.List;

/**
 * What reads of a tensor have told so far.
 *
 * @param stats of F32 and F64 after one read: quantiles to the upper 16 bits of the value, towards
 *     0, and moments from sums of powers
 * @param pending quantiles that another read makes exact; none if all are
 */
public record Reading(TensorStats stats, List<OrderStatistic> pending) implements Serializable {
  private static final long serialVersionUID = 1;

  public Reading {
    pending = List.copyOf(pending);
  }

  /** Whether another read would tell more. */
  public boolean isPending() {
    return !pending.isEmpty();
  }
}
