package io.weightloom.recipe;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The value of a parameter as a recipe writes it, before it is resolved for a tensor. */
public sealed interface ParamValue {

  /**
   * The value for a tensor.
   *
   * @param tensor the tensor's name, which filters look at
   * @param position where in the stack the tensor lies, from 0 to 1, which gradients look at
   * @return a Double, Boolean or String; empty if no filter matches
   */
  Optional<Object> at(String tensor, double position);

  /**
   * One value for all.
   *
   * @param value a Double, Boolean or String
   */
  record Scalar(Object value) implements ParamValue {
    @Override
    public Optional<Object> at(String tensor, double position) {
      return Optional.of(value);
    }
  }

  /**
   * Numbers at equal distances over the layers, interpolated linearly.
   *
   * @param points at least one number
   */
  record Gradient(List<Double> points) implements ParamValue {
    public Gradient {
      points = List.copyOf(points);
    }

    @Override
    public Optional<Object> at(String tensor, double position) {
      double place = position * (points.size() - 1);
      int below = Math.min((int) place, points.size() - 1);
      int above = Math.min(below + 1, points.size() - 1);
      double share = place - below;
      return Optional.of((1 - share) * points.get(below) + share * points.get(above));
    }
  }

  /**
   * Values by name: the first case that matches holds.
   *
   * @param cases in the order of the recipe
   */
  record Filtered(List<Case> cases) implements ParamValue {
    public Filtered {
      cases = List.copyOf(cases);
    }

    @Override
    public Optional<Object> at(String tensor, double position) {
      return cases.stream()
          .filter(c -> c.matches(tensor))
          .findFirst()
          .flatMap(c -> c.value().at(tensor, position));
    }
  }

  /**
   * A number for each tensor, as learned coefficients have it.
   *
   * @param values by the tensor's name; {@code *} holds for those that are not named
   */
  record ByTensor(Map<String, Double> values) implements ParamValue {
    public ByTensor {
      values = Map.copyOf(values);
    }

    @Override
    public Optional<Object> at(String tensor, double position) {
      Double own = values.get(tensor);
      return Optional.ofNullable(own != null ? own : values.get("*"));
    }
  }

  /**
   * A case of {@link Filtered}.
   *
   * @param filter part of the tensor's name; empty or {@code *} matches all
   * @param value a scalar or a gradient
   */
  record Case(String filter, ParamValue value) {
    boolean matches(String tensor) {
      return filter.isEmpty() || filter.equals("*") || tensor.contains(filter);
    }
  }
}
