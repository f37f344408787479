package io.weightloom.io.safetensors;

import io.weightloom.error.WeightloomException;
import java.util.ArrayList;
import java.util.List;

/** Words the failures of one file's header and gathers its warnings. For one thread. */
final class HeaderReport {
  private static final int MAX_WARNINGS = 100;
  private static final int MAX_QUOTED = 120;

  private final String path;
  private final Profile profile;
  private final List<String> warnings = new ArrayList<>();
  private int unsaid;

  HeaderReport(String path, Profile profile) {
    this.path = path;
    this.profile = profile;
  }

  /**
   * A failure.
   *
   * @param at the byte of the file
   * @param field the field of the header, such as {@code tensor "a", shape}
   * @param why the values
   */
  WeightloomException failure(HeaderError error, long at, String field, String why) {
    return WeightloomException.input(
        "Cannot read the safetensors header of %s: %s, %s, at byte %d, %s: %s (%s)"
            .formatted(path, error.referenceName(), error.text(), at, field, why, error.fix()));
  }

  void warn(long at, String field, String what) {
    if (warnings.size() < MAX_WARNINGS) {
      warnings.add("%s, byte %d, %s: %s".formatted(path, at, field, what));
    } else {
      unsaid++;
    }
  }

  /** What the reference accepts and the format's text forbids. */
  void irregular(long at, String field, String what) {
    if (profile == Profile.STRICT) {
      throw failure(HeaderError.NOT_STRICT, at, field, what);
    }
    warn(at, field, what);
  }

  List<String> warnings() {
    if (unsaid == 0) {
      return List.copyOf(warnings);
    }
    List<String> all = new ArrayList<>(warnings);
    all.add("%s: and %d warnings more".formatted(path, unsaid));
    return List.copyOf(all);
  }

  static String tensor(String name) {
    return "tensor " + quoted(name);
  }

  static String tensor(String name, String field) {
    return "tensor " + quoted(name) + ", " + field;
  }

  /** A name as it may be shown: short, and without control characters. */
  static String quoted(String name) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < name.length() && i < MAX_QUOTED; i++) {
      char c = name.charAt(i);
      if (Character.isISOControl(c) || Character.isSurrogate(c)) {
        out.append("\\u%04x".formatted((int) c));
      } else {
        out.append(c);
      }
    }
    return out.append(name.length() > MAX_QUOTED ? "…\"" : "\"").toString();
  }
}
