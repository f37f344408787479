package io.weightloom.kernel;

import io.weightloom.error.WeightloomException;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One of several providers: the one that a system property forces, else the usable one of highest
 * priority.
 *
 * @param service what the chosen one made
 * @param answers what each provider answered, the preferred first
 * @param <S> what is offered
 */
public record Choice<S>(S service, Map<String, Usability> answers) {

  public Choice {
    answers = Collections.unmodifiableMap(new LinkedHashMap<>(answers));
  }

  /**
   * Chooses.
   *
   * @param what is chosen, for messages: {@code kernels}
   * @param property the system property that forces a provider by name
   * @param forced its value; empty if unset
   */
  public static <S> Choice<S> of(
      String what, String property, String forced, List<? extends Provider<S>> providers) {
    List<? extends Provider<S>> preferred =
        providers.stream()
            .sorted(Comparator.comparingInt((Provider<S> p) -> p.priority()).reversed())
            .toList();
    Map<String, Usability> answers = new LinkedHashMap<>();
    preferred.forEach(p -> answers.put(p.name(), p.usability()));
    for (Provider<S> p : preferred) {
      Usability answer = answers.getOrDefault(p.name(), Usability.no("not asked"));
      if (forced.isEmpty() ? answer.usable() : p.name().equals(forced)) {
        if (!answer.usable()) {
          throw WeightloomException.usage(
              "Cannot use the %s %s: %s (unset -D%s)"
                  .formatted(forced, what, answer.reason(), property));
        }
        return new Choice<>(p.create(), answers);
      }
    }
    throw WeightloomException.usage(
        "Cannot use the %s %s: there are %s (set -D%s to one of them)"
            .formatted(forced, what, answers.keySet(), property));
  }
}
