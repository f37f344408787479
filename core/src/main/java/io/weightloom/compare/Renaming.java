package io.weightloom.compare;

import io.weightloom.error.WeightloomException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names that tensors of one model have in another: rules {@code FROM=TO}, of which the first that
 * fits a whole name counts. A {@code *} in FROM stands for any part of a name, and the n-th {@code
 * *} in TO for what the n-th of FROM stood for. Names that no rule fits stay.
 */
public final class Renaming {
  private final List<Rule> rules;

  private record Rule(Pattern from, List<String> to, String text) {}

  private Renaming(List<Rule> rules) {
    this.rules = List.copyOf(rules);
  }

  /**
   * Reads rules.
   *
   * @param rules as {@code transformer.h.*=model.layers.*}
   * @throws WeightloomException if a rule has no FROM or TO, or more {@code *} in TO than in FROM
   */
  public static Renaming of(List<String> rules) {
    List<Rule> read = new ArrayList<>();
    for (String rule : rules) {
      int at = rule.indexOf('=');
      List<String> from = parts(rule.substring(0, Math.max(0, at)));
      List<String> to = parts(rule.substring(at + 1));
      if (at <= 0 || at == rule.length() - 1) {
        throw WeightloomException.usage(
            "Cannot rename tensors by '%s': it is not of the form FROM=TO (as 'transformer.h.*=model.layers.*')"
                .formatted(rule));
      }
      if (to.size() > from.size()) {
        throw WeightloomException.usage(
            "Cannot rename tensors by '%s': TO has %d wildcards, FROM has %d (each * of TO stands for one of FROM)"
                .formatted(rule, to.size() - 1, from.size() - 1));
      }
      String pattern = String.join("(.*)", from.stream().map(Pattern::quote).toList());
      read.add(new Rule(Pattern.compile(pattern, Pattern.DOTALL), to, rule));
    }
    return new Renaming(read);
  }

  /** What stands between wildcards. */
  private static List<String> parts(String pattern) {
    return List.of(pattern.split("\\*", -1));
  }

  /** The name that a tensor is compared under. */
  public String apply(String name) {
    for (Rule rule : rules) {
      Matcher matcher = rule.from().matcher(name);
      if (matcher.matches()) {
        StringBuilder out = new StringBuilder(rule.to().get(0));
        for (int i = 1; i < rule.to().size(); i++) {
          out.append(matcher.group(i)).append(rule.to().get(i));
        }
        return out.toString();
      }
    }
    return name;
  }

  /**
   * Tensors by the names that they are compared under, in their order.
   *
   * @param model what an error calls the model
   * @throws WeightloomException if two would have one name
   */
  public <T> Map<String, T> apply(String model, Map<String, T> tensors) {
    Map<String, T> renamed = new LinkedHashMap<>();
    Map<String, String> before = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          String to = apply(name);
          String other = before.putIfAbsent(to, name);
          if (other != null) {
            throw WeightloomException.usage(
                "Cannot rename the tensors of %s: %s and %s would both be %s (make the rules narrower)"
                    .formatted(model, other, name, to));
          }
          renamed.put(to, tensor);
        });
    return renamed;
  }

  /**
   * The rules that fit none of these names: slips of the pen.
   *
   * @param names of the tensors of all models that are renamed
   */
  public List<String> idle(Iterable<String> names) {
    List<String> idle = new ArrayList<>();
    for (Rule rule : rules) {
      boolean fits = false;
      for (String name : names) {
        fits |= rule.from().matcher(name).matches();
      }
      if (!fits) {
        idle.add(rule.text());
      }
    }
    return idle;
  }
}
