package io.weightloom.compare;

import java.io.Serializable;

/**
 * Which elements of a task vector are its largest.
 *
 * @param share of its elements, from 0 to 1; 0 if nobody asks
 * @param ofModel whether of all elements of the model by one threshold, so that some tensors have
 *     more of them than others; else of each tensor on its own
 */
public record Top(double share, boolean ofModel) implements Serializable {
  private static final long serialVersionUID = 1;

  /** Task vectors whose magnitudes are counted at once, half a megabyte each. */
  public static final int MOST_TASKS = 32;

  /** Nobody asks. */
  public static final Top NONE = new Top(0, false);

  /** Whether somebody asks. */
  public boolean isWanted() {
    return share > 0;
  }

  /** How many of so many elements: at least 1. */
  long of(long elements) {
    return Math.max(1, (long) (share * elements));
  }
}
