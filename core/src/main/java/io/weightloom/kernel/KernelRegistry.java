package io.weightloom.kernel;

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

  private final Choice<Kernels> choice;

  private KernelRegistry(Choice<Kernels> choice) {
    this.choice = choice;
  }

  /** The choice of this JVM. */
  public static KernelRegistry get() {
    return Holder.INSTANCE;
  }

  /** The kernels in use. */
  public Kernels kernels() {
    return choice.service();
  }

  /** What each provider answered, the preferred first. */
  public Map<String, Usability> answers() {
    return choice.answers();
  }

  /** The plain loops, for comparison. */
  public static Kernels scalar() {
    return new ScalarKernels();
  }

  static KernelRegistry choose(String forced) {
    return new KernelRegistry(
        Choice.of(
            "kernels",
            PROPERTY,
            forced,
            ServiceLoader.load(KernelProvider.class, KernelRegistry.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .toList()));
  }
}
