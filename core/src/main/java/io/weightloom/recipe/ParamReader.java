package io.weightloom.recipe;

import io.weightloom.merge.ParamSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the values of parameters; one that is wrong becomes a problem and no value.
 *
 * @param nodes keeps the problems
 */
record ParamReader(RecipeNodes nodes) {
  /** Key of a parameter's value that gives a number for each tensor. */
  private static final String TENSORS = "tensors";

  /** The value of a parameter: a number, gradient, filters, or a number for each tensor. */
  Optional<ParamValue> value(@Nullable Object value, String path, ParamSpec param) {
    if (value instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Map) {
      List<ParamValue.Case> cases = new ArrayList<>();
      nodes.each(list, path, (item, at) -> filtered(item, at, param).ifPresent(cases::add));
      return Optional.of(new ParamValue.Filtered(cases));
    }
    if (value instanceof Map<?, ?> m && m.containsKey(TENSORS)) {
      nodes.unknownKeys(nodes.map(value, path), Set.of(TENSORS), path);
      return byTensor(nodes.map(m.get(TENSORS), path + "." + TENSORS), path + "." + TENSORS, param);
    }
    if (value instanceof Map) {
      return filtered(value, path, param).map(c -> new ParamValue.Filtered(List.of(c)));
    }
    return plain(value, path, param);
  }

  private Optional<ParamValue> byTensor(
      Map<String, @Nullable Object> numbers, String path, ParamSpec param) {
    if (param.type() != ParamSpec.Type.NUMBER || numbers.isEmpty()) {
      nodes.problem(
          path, "expected " + expected(param) + (numbers.isEmpty() ? " for each tensor" : ""));
      return Optional.empty();
    }
    Map<String, Double> values = new LinkedHashMap<>();
    numbers.forEach(
        (tensor, number) ->
            scalar(number, path + "." + tensor, param)
                .ifPresent(v -> values.put(tensor, (Double) v)));
    return Optional.of(new ParamValue.ByTensor(values));
  }

  private Optional<ParamValue.Case> filtered(@Nullable Object item, String path, ParamSpec param) {
    Map<String, @Nullable Object> entry = nodes.map(item, path);
    nodes.unknownKeys(entry, Set.of("filter", "value"), path);
    String filter = nodes.string(entry.get("filter"), path + ".filter").orElse("");
    return plain(entry.get("value"), path + ".value", param)
        .map(v -> new ParamValue.Case(filter, v));
  }

  private Optional<ParamValue> plain(@Nullable Object value, String path, ParamSpec param) {
    if (!(value instanceof List<?> list)) {
      return scalar(value, path, param).map(ParamValue.Scalar::new);
    }
    if (param.type() != ParamSpec.Type.NUMBER || list.isEmpty()) {
      nodes.problem(path, "expected " + expected(param) + ", found " + value);
      return Optional.empty();
    }
    List<Double> points = new ArrayList<>();
    nodes.each(
        list, path, (item, at) -> scalar(item, at, param).ifPresent(v -> points.add((Double) v)));
    return points.isEmpty() ? Optional.empty() : Optional.of(new ParamValue.Gradient(points));
  }

  /** One number, word, or yes or no, within the parameter's range. */
  Optional<Object> scalar(@Nullable Object value, String path, ParamSpec param) {
    Optional<Object> found =
        switch (param.type()) {
          case NUMBER -> number(value);
          case FLAG -> flag(value);
          case CHOICE ->
              value instanceof String s && param.choices().contains(s)
                  ? Optional.of(s)
                  : Optional.empty();
        };
    if (found.isEmpty()) {
      nodes.problem(path, "expected " + expected(param) + ", found " + value);
    } else if (found.get() instanceof Double d && !param.range().contains(d)) {
      nodes.problem(path, "%s must be within %s, not %s".formatted(param.name(), param.range(), d));
      return Optional.empty();
    }
    return found;
  }

  private static Optional<Object> number(@Nullable Object value) {
    if (value instanceof Number n) {
      return Optional.of(n.doubleValue());
    }
    if (value instanceof Boolean b) {
      return Optional.of(b ? 1.0 : 0.0);
    }
    try {
      return value instanceof String s ? Optional.of(Double.valueOf(s)) : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static Optional<Object> flag(@Nullable Object value) {
    if (value instanceof Number n && (n.doubleValue() == 0 || n.doubleValue() == 1)) {
      return Optional.of(n.doubleValue() == 1);
    }
    return value instanceof Boolean b ? Optional.of(b) : Optional.empty();
  }

  private static String expected(ParamSpec param) {
    return switch (param.type()) {
      case NUMBER -> "a number";
      case FLAG -> "true or false";
      case CHOICE -> "one of " + String.join(", ", param.choices());
    };
  }
}
