package io.weightloom.analysis;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A column of a result table, which knows how it is computed of a row's subject.
 *
 * @param name in lower case with underscores, as SQL has it
 * @param type of its values, which may all be null
 * @param doc what it is: definition, unit, range, and where the formula is from
 * @param value the value for a subject; null where there is none
 * @param <S> what a row is about
 */
public record Column<S>(String name, Type type, String doc, Function<S, @Nullable Object> value) {

  /** Types of values. */
  public enum Type {
    /** {@link String}. */
    TEXT,
    /** {@link Boolean}. */
    FLAG,
    /** {@link Long}. */
    COUNT,
    /** {@link Double}. */
    NUMBER,
    /** {@code long[]}. */
    COUNTS,
    /** {@code double[]}. */
    NUMBERS,
    /** A {@code List} of {@link String}. */
    TEXTS
  }

  public static <S> Column<S> text(String name, String doc, Function<S, @Nullable String> value) {
    return new Column<>(name, Type.TEXT, doc, value::apply);
  }

  public static <S> Column<S> flag(String name, String doc, Function<S, @Nullable Boolean> value) {
    return new Column<>(name, Type.FLAG, doc, value::apply);
  }

  /** Of whole numbers. */
  public static <S> Column<S> count(String name, String doc, Function<S, @Nullable Long> value) {
    return new Column<>(name, Type.COUNT, doc, value::apply);
  }

  /** Of fp64 values; NaN where the formula gives it. */
  public static <S> Column<S> number(String name, String doc, Function<S, @Nullable Double> value) {
    return new Column<>(name, Type.NUMBER, doc, value::apply);
  }

  public static <S> Column<S> counts(
      String name, String doc, Function<S, long @Nullable []> value) {
    return new Column<>(name, Type.COUNTS, doc, value::apply);
  }

  public static <S> Column<S> numbers(
      String name, String doc, Function<S, double @Nullable []> value) {
    return new Column<>(name, Type.NUMBERS, doc, value::apply);
  }
}
