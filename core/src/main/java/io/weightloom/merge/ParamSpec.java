package io.weightloom.merge;

import java.util.List;
import java.util.Optional;

/**
 * A parameter of a merge method.
 *
 * @param name the key in recipes
 * @param type what it may hold
 * @param scope whether each model has its own value
 * @param place whether it stands under {@code parameters} or under {@code weightloom}
 * @param defaultValue a Double, Boolean or String by {@code type}; empty means required
 * @param range the numbers allowed
 * @param choices the words allowed, for {@link Type#CHOICE}
 * @param help one line for the documentation
 * @param emissionOnly whether the emission alone looks at it, so that merges which differ in it
 *     share their surveys
 */
public record ParamSpec(
    String name,
    Type type,
    Scope scope,
    Place place,
    Optional<Object> defaultValue,
    Range range,
    List<String> choices,
    String help,
    boolean emissionOnly) {

  /** What a parameter may hold. */
  public enum Type {
    NUMBER,
    FLAG,
    CHOICE
  }

  /** Whether a parameter has one value a model or one for all. */
  public enum Scope {
    MODEL,
    GLOBAL
  }

  /** Where in a recipe the key stands. */
  public enum Place {
    /** {@code parameters}, with mergekit's meaning. */
    PARAMETERS,
    /** {@code weightloom}, our own additions. */
    EXTENSION
  }

  /**
   * An interval of numbers.
   *
   * @param min the lower bound
   * @param minIncluded whether the lower bound is allowed
   * @param max the upper bound, allowed
   */
  public record Range(double min, boolean minIncluded, double max) {
    public static final Range ANY =
        new Range(Double.NEGATIVE_INFINITY, false, Double.POSITIVE_INFINITY);

    /** Greater than 0 and at most 1. */
    public static final Range DENSITY = new Range(0, false, 1);

    public boolean contains(double x) {
      return (minIncluded ? x >= min : x > min) && x <= max && !Double.isInfinite(x);
    }

    @Override
    public String toString() {
      return (minIncluded ? "[" : "(") + min + ", " + max + (Double.isInfinite(max) ? ")" : "]");
    }
  }

  private static ParamSpec plain(
      String name, Type type, Scope scope, Optional<Object> defaultValue, String help) {
    return new ParamSpec(
        name, type, scope, Place.PARAMETERS, defaultValue, Range.ANY, List.of(), help, false);
  }

  /** A number of each model's own, required. */
  public static ParamSpec perModel(String name, String help) {
    return plain(name, Type.NUMBER, Scope.MODEL, Optional.empty(), help);
  }

  /** A number for all models, required. */
  public static ParamSpec required(String name, String help) {
    return plain(name, Type.NUMBER, Scope.GLOBAL, Optional.empty(), help);
  }

  /** A number for all models. */
  public static ParamSpec number(String name, double defaultValue, String help) {
    return plain(name, Type.NUMBER, Scope.GLOBAL, Optional.of(defaultValue), help);
  }

  /** A yes or no for all models. */
  public static ParamSpec flag(String name, boolean defaultValue, String help) {
    return plain(name, Type.FLAG, Scope.GLOBAL, Optional.of(defaultValue), help);
  }

  /** One of our own words, under {@code weightloom}; the first is the default. */
  public static ParamSpec extension(String name, List<String> choices, String help) {
    return new ParamSpec(
        name,
        Type.CHOICE,
        Scope.GLOBAL,
        Place.EXTENSION,
        Optional.of(choices.get(0)),
        Range.ANY,
        choices,
        help,
        false);
  }

  /** One of our own numbers, under {@code weightloom}. */
  public static ParamSpec extension(String name, double defaultValue, Range range, String help) {
    return new ParamSpec(
        name,
        Type.NUMBER,
        Scope.GLOBAL,
        Place.EXTENSION,
        Optional.of(defaultValue),
        range,
        List.of(),
        help,
        false);
  }

  public ParamSpec within(Range allowed) {
    return new ParamSpec(
        name, type, scope, place, defaultValue, allowed, choices, help, emissionOnly);
  }

  public ParamSpec orElse(double value) {
    return new ParamSpec(
        name, type, scope, place, Optional.of(value), range, choices, help, emissionOnly);
  }

  /** The same for a parameter that no survey looks at. */
  public ParamSpec forEmission() {
    return new ParamSpec(name, type, scope, place, defaultValue, range, choices, help, true);
  }
}
