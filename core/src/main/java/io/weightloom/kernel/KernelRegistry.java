package io.weightloom.kernel;

import io.weightloom.error.WeightloomException;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/**
 * Chooses the kernels of this JVM once: the provider forced by the system property {@value
 * #PROPERTY}, else the usable one of highest priority. Remembers every refusal, for {@code doctor}
 * and {@code explain}.
 */
public final class KernelRegistry {

  /** System property that forces a provider by name; the merge fails if it cannot be used. */
  public static final String PROPERTY = "weightloom.kernels";

  private static final class Holder {
    static final KernelRegistry INSTANCE = choose(System.getProperty(PROPERTY, ""));
  }

  private final Kernels kernels;
  private final Map<String, Usability> answers;

  private KernelRegistry(Kernels kernels, Map<String, Usability> answers) {
    this.kernels = kernels;
    this.answers = answers;
  }

  /** The choice of this JVM. */
  public static KernelRegistry get() {
    return Holder.INSTANCE;
  }

  /** The kernels in use. */
  public Kernels kernels() {
    return kernels;
  }

  /** What each provider answered, the preferred first. */
  public Map<String, Usability> answers() {
    return answers;
  }

  /** The plain loops, for comparison. */
  public static Kernels scalar() {
    return new ScalarKernels();
  }

  static KernelRegistry choose(String forced) {
    List<KernelProvider> providers =
        ServiceLoader.load(KernelProvider.class, KernelRegistry.class.getClassLoader()).stream()
            .map(ServiceLoader.Provider::get)
            .sorted(Comparator.comparingInt(KernelProvider::priority).reversed())
            .toList();
    Map<String, Usability> answers = new LinkedHashMap<>();
    providers.forEach(p -> answers.put(p.name(), p.usability()));
    for (KernelProvider p : providers) {
      Usability answer = answers.getOrDefault(p.name(), Usability.no("not asked"));
      if (forced.isEmpty() ? answer.usable() : p.name().equals(forced)) {
        if (!answer.usable()) {
          throw WeightloomException.usage(
              "Cannot use the %s kernels: %s (unset -D%s)"
                  .formatted(forced, answer.reason(), PROPERTY));
        }
        return new KernelRegistry(p.create(), answers);
      }
    }
    throw WeightloomException.usage(
        "Cannot use the %s kernels: there are %s (set -D%s to one of them)"
            .formatted(forced, answers.keySet(), PROPERTY));
  }
}
