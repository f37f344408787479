package io.weightloom.merge;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a method is called, needs and takes. Recipes are validated against it and the
 * documentation's table is made of it.
 *
 * @param name the recipe's {@code merge_method}
 * @param title the name in the literature
 * @param summary one line
 * @param paper address of the paper, or empty
 * @param base whether a base model is needed
 * @param minModels fewest models, the base not counted
 * @param maxModels most models, the base not counted
 * @param parameters what it takes
 * @param sideTables tables that it reads beside the models
 * @param variants named sets of defaults, the first one holding where a recipe names none; may be
 *     empty
 */
public record MethodSpec(
    String name,
    String title,
    String summary,
    String paper,
    BaseRule base,
    int minModels,
    int maxModels,
    List<ParamSpec> parameters,
    List<SideTable> sideTables,
    List<Variant> variants) {

  /** A method that reads nothing but models. */
  public MethodSpec(
      String name,
      String title,
      String summary,
      String paper,
      BaseRule base,
      int minModels,
      int maxModels,
      List<ParamSpec> parameters,
      List<Variant> variants) {
    this(name, title, summary, paper, base, minModels, maxModels, parameters, List.of(), variants);
  }

  /**
   * A method as one body of code has it: other defaults, the same formula.
   *
   * @param name what a recipe says under {@code weightloom: variant:}
   * @param summary whose behaviour it is
   * @param defaults Double, Boolean or String by parameter, over those of the spec
   */
  public record Variant(String name, String summary, Map<String, Object> defaults) {

    public Variant {
      defaults = Map.copyOf(defaults);
    }

    /** A variant that differs from this one in some defaults. */
    public Variant but(String otherName, String otherSummary, Map<String, Object> changes) {
      Map<String, Object> all = new HashMap<>(defaults);
      all.putAll(changes);
      return new Variant(otherName, otherSummary, all);
    }
  }

  /** What a method does with the recipe's {@code base_model}. */
  public enum BaseRule {
    /** The formula needs it. */
    REQUIRED,
    /** The formula works on task vectors if there is one. */
    OPTIONAL,
    /** One more of the models that are merged. */
    MEMBER,
    /** Only its config and tokenizer are used. */
    DONOR
  }

  public MethodSpec {
    parameters = List.copyOf(parameters);
    sideTables = List.copyOf(sideTables);
    variants = List.copyOf(variants);
  }

  public Optional<ParamSpec> parameter(String key) {
    return parameters.stream().filter(p -> p.name().equals(key)).findFirst();
  }
}
