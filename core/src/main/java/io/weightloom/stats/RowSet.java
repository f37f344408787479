package io.weightloom.stats;

import io.weightloom.error.WeightloomException;
import java.io.Serializable;
import java.util.BitSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Rows of a matrix, written as numbers and ranges: {@code 0,5,128011-128255}. Immutable. */
public final class RowSet implements Serializable {
  private static final long serialVersionUID = 1;

  private static final Pattern RANGE =
      Pattern.compile("\\s*(\\d{1,9})\\s*(?:-\\s*(\\d{1,9})\\s*)?");

  private final String text;
  private final BitSet rows;

  private RowSet(String text, BitSet rows) {
    this.text = text;
    this.rows = rows;
  }

  /**
   * Reads a set.
   *
   * @throws WeightloomException if it is empty, or holds something else than numbers and ranges
   */
  public static RowSet of(String text) {
    BitSet rows = new BitSet();
    for (String part : text.split(",", -1)) {
      Matcher range = RANGE.matcher(part);
      if (!range.matches()) {
        throw bad(text, "'%s' is neither a number nor a range".formatted(part));
      }
      int first = Integer.parseInt(range.group(1));
      int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
      if (last < first) {
        throw bad(text, "the range %d-%d ends before it begins".formatted(first, last));
      }
      rows.set(first, last + 1);
    }
    return new RowSet(text, rows);
  }

  private static WeightloomException bad(String text, String why) {
    return WeightloomException.usage(
        "Cannot read the rows '%s': %s (give numbers and ranges from 0, as 0,5,128011-128255)"
            .formatted(text, why));
  }

  public boolean contains(long row) {
    return row <= Integer.MAX_VALUE && rows.get((int) row);
  }

  /** How many. */
  public int size() {
    return rows.cardinality();
  }

  /** The last one. */
  public int last() {
    return rows.length() - 1;
  }

  /** As it was written. */
  @Override
  public String toString() {
    return text;
  }
}
