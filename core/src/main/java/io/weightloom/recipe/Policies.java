package io.weightloom.recipe;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What becomes of tensors that do not fit together. Nothing happens in silence: what a policy did
 * to a tensor is in the plan and in the manifest.
 *
 * @param missing of tensors that not all models have
 * @param mismatched of tensors whose shapes differ
 * @param nonFloat of tensors that are not computed on
 * @param tied groups of tensors that are one: the first of each that the output has is merged, the
 *     others get its bytes
 */
public record Policies(
    Missing missing, Mismatched mismatched, NonFloat nonFloat, List<List<String>> tied) {

  public static final String MISSING = "missing";
  public static final String MISMATCHED = "mismatched";
  public static final String NON_FLOAT = "non_float";
  public static final String TIED = "tied";

  /** Of a tensor that not all models have. */
  public enum Missing {
    ERROR,
    /** Those that lack it take no part; what the base lacks is left out. */
    SKIP_MODEL,
    /** It is copied from the base; what the base lacks is left out. */
    KEEP_BASE
  }

  /** Of a tensor whose shapes differ. */
  public enum Mismatched {
    ERROR,
    /** Models whose shape is not the base's, or the first model's, take no part. */
    SKIP_MODEL,
    /** It is copied from the base. */
    KEEP_BASE,
    /** The first rows and columns that all have are merged. */
    COMMON_SUBMATRIX,
    /** Of a base with more rows the first are taken. */
    TRUNCATE_BASE_ROWS
  }

  /** Of a tensor that is not computed on. */
  public enum NonFloat {
    /** It is copied from the base, or from the first model. */
    COPY,
    ERROR
  }

  public Policies {
    tied = tied.stream().map(List::copyOf).toList();
  }

  /** The words that a recipe may say for a policy. */
  static List<String> words(String key) {
    return switch (key) {
      case MISSING -> words(Missing.values());
      case MISMATCHED -> words(Mismatched.values());
      default -> words(NonFloat.values());
    };
  }

  private static List<String> words(Enum<?>[] values) {
    return Arrays.stream(values).map(Policies::word).toList();
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  @SuppressWarnings("unchecked") // The reader makes it so.
  static Policies of(Map<String, Object> extensions) {
    return new Policies(
        named(Missing.values(), extensions.get(MISSING), Missing.ERROR),
        named(Mismatched.values(), extensions.get(MISMATCHED), Mismatched.ERROR),
        named(NonFloat.values(), extensions.get(NON_FLOAT), NonFloat.COPY),
        (List<List<String>>) extensions.getOrDefault(TIED, List.of()));
  }

  private static <E extends Enum<E>> E named(
      E[] values, @org.jspecify.annotations.Nullable Object word, E otherwise) {
    return Arrays.stream(values).filter(v -> word(v).equals(word)).findFirst().orElse(otherwise);
  }
}
