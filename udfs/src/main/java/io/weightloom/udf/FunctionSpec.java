package io.weightloom.udf;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.types.DataType;

/**
 * What a function says of itself: its row in the documentation, its {@code DESCRIBE FUNCTION}, and
 * the types by which Spark checks and casts arguments.
 *
 * @param name as SQL calls it
 * @param theme under which the documentation lists it
 * @param usage what it gives, a sentence
 * @param parameters in order
 * @param result the type of what it gives
 * @param examples of use
 */
public record FunctionSpec(
    String name,
    String theme,
    String usage,
    List<Parameter> parameters,
    DataType result,
    List<Example> examples)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /** A parameter; an argument of another type is cast by Spark's rules, or refused. */
  public record Parameter(String name, DataType type, String help) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /** An expression and what it gives. */
  public record Example(String expression, String result) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  public FunctionSpec {
    parameters = List.copyOf(parameters);
    examples = List.copyOf(examples);
  }

  /** {@code wl_l2(data, dtype)}. */
  public String signature() {
    return name + "(" + String.join(", ", parameters.stream().map(Parameter::name).toList()) + ")";
  }

  /** The types of the parameters. */
  public DataType[] types() {
    return parameters.stream().map(Parameter::type).toArray(DataType[]::new);
  }

  static Builder of(String name, String theme, DataType result, String usage) {
    return new Builder(name, theme, result, usage);
  }

  /** Collects parameters and examples. */
  static final class Builder {
    private final String name;
    private final String theme;
    private final DataType result;
    private final String usage;
    private final List<Parameter> parameters = new ArrayList<>();
    private final List<Example> examples = new ArrayList<>();

    private Builder(String name, String theme, DataType result, String usage) {
      this.name = name;
      this.theme = theme;
      this.result = result;
      this.usage = usage;
    }

    Builder takes(String parameter, DataType type, String help) {
      parameters.add(new Parameter(parameter, type, help));
      return this;
    }

    Builder example(String expression, String gives) {
      examples.add(new Example(expression, gives));
      return this;
    }

    FunctionSpec build() {
      return new FunctionSpec(name, theme, usage, parameters, result, examples);
    }
  }
}
