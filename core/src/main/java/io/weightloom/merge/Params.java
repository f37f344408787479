package io.weightloom.merge;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The parameter values that hold for one output tensor: gradients, filters and precedence resolved,
 * defaults filled in, checked against the method's spec.
 *
 * @param global values by key: Double, Boolean or String
 * @param perModel values by key, one a model in recipe order
 */
public record Params(Map<String, Object> global, Map<String, List<Double>> perModel)
    implements Serializable {

  public static final Params NONE = new Params(Map.of(), Map.of());

  public Params {
    global = Map.copyOf(global);
    perModel = Map.copyOf(perModel);
  }

  public double number(String key) {
    return (Double) value(key);
  }

  public boolean flag(String key) {
    return (Boolean) value(key);
  }

  public String choice(String key) {
    return (String) value(key);
  }

  /** One number a model, in recipe order. */
  public double[] numbers(String key) {
    List<Double> values = perModel.get(key);
    if (values == null) {
      throw new IllegalArgumentException("no parameter " + key + " in " + perModel.keySet());
    }
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** What is wrong with a number that counts something: that it is no whole one. */
  public Optional<String> notWhole(String key) {
    double count = number(key);
    return count == Math.rint(count)
        ? Optional.empty()
        : Optional.of("%s: %s is no whole number (round it)".formatted(key, count));
  }

  private Object value(String key) {
    Object value = global.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no parameter " + key + " in " + global.keySet());
    }
    return value;
  }
}
