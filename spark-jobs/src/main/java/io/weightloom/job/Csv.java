package io.weightloom.job;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Comma-separated values, as RFC 4180 has them. */
public final class Csv {

  private Csv() {}

  /** A line; a null is nothing, an empty string is quoted. */
  public static String line(List<? extends @Nullable Object> values) {
    return values.stream()
            .map(v -> v == null ? "" : field(v.toString()))
            .collect(Collectors.joining(","))
        + "\n";
  }

  /** A field, in quotes where it needs them. */
  public static String field(String text) {
    boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain && !text.isEmpty() ? text : "\"" + text.replace("\"", "\"\"") + "\"";
  }
}
