package io.weightloom.source;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Ranges of a tensor's elements, gathered in any order. Small while they follow each other. */
final class ElementRanges implements Serializable {
  private static final long serialVersionUID = 1;

  private long[] begins = new long[1];
  private long[] ends = new long[1];
  private int size;

  private record Range(long begin, long end) {}

  /** Adds elements {@code begin} to {@code end}; nothing if there are none. */
  void add(long begin, long end) {
    if (begin == end) {
      return;
    }
    if (size > 0 && ends[size - 1] == begin) {
      ends[size - 1] = end;
      return;
    }
    if (size == begins.length) {
      begins = Arrays.copyOf(begins, size * 2);
      ends = Arrays.copyOf(ends, size * 2);
    }
    begins[size] = begin;
    ends[size] = end;
    size++;
  }

  void addAll(ElementRanges other) {
    for (int i = 0; i < other.size; i++) {
      add(other.begins[i], other.ends[i]);
    }
  }

  /** In what they differ from all elements, each once; empty if in nothing. */
  List<String> problems(long elements) {
    List<Range> sorted = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      sorted.add(new Range(begins[i], ends[i]));
    }
    sorted.sort(Comparator.comparingLong(Range::begin).thenComparingLong(Range::end));
    List<String> problems = new ArrayList<>();
    long at = 0;
    for (Range range : sorted) {
      if (range.begin > at) {
        problems.add("elements %d to %d are missing".formatted(at, range.begin));
      } else if (range.begin < at) {
        problems.add(
            "elements %d to %d come twice".formatted(range.begin, Math.min(at, range.end)));
      }
      at = Math.max(at, range.end);
    }
    if (at < elements) {
      problems.add("elements %d to %d are missing".formatted(at, elements));
    }
    return problems;
  }
}
