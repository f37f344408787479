package io.weightloom.linalg;

import io.weightloom.kernel.Choice;
import io.weightloom.kernel.Usability;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Chooses the linear algebra of this JVM once: the provider forced by the system property {@value
 * #PROPERTY}, else the usable one of highest priority. Remembers every refusal, for {@code doctor}
 * and {@code explain}.
 */
public final class LinAlgRegistry {

  /** System property that forces a provider by name; a merge fails if it cannot be used. */
  public static final String PROPERTY = "weightloom.linalg";

  private static final class Holder {
    static final Choice<DenseLinAlg> CHOICE = choose(System.getProperty(PROPERTY, ""));
  }

  private static final Map<String, DenseLinAlg> BY_NAME = new ConcurrentHashMap<>();

  private LinAlgRegistry() {}

  /** What this JVM uses. */
  public static DenseLinAlg get() {
    return Holder.CHOICE.service();
  }

  /** What each provider answered, the preferred first. */
  public static Map<String, Usability> answers() {
    return Holder.CHOICE.answers();
  }

  /**
   * The implementation of this name: what a driver chose, on an executor, so that one merge is
   * computed by one.
   *
   * @throws io.weightloom.error.WeightloomException if it cannot be used here
   */
  public static DenseLinAlg named(String name) {
    return BY_NAME.computeIfAbsent(name, n -> choose(n).service());
  }

  /** Plain loops, slow: what the others are held to. */
  public static DenseLinAlg reference() {
    return new ReferenceLinAlg();
  }

  static Choice<DenseLinAlg> choose(String forced) {
    List<LinAlgProvider> providers =
        ServiceLoader.load(LinAlgProvider.class, LinAlgRegistry.class.getClassLoader()).stream()
            .map(ServiceLoader.Provider::get)
            .toList();
    return Choice.of("linear algebra", PROPERTY, forced, providers);
  }
}
