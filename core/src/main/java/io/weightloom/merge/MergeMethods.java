package io.weightloom.merge;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** All methods on the class path, by name. */
public final class MergeMethods {

  private static final class Holder {
    static final Map<String, MergeMethod> METHODS = load();
  }

  private MergeMethods() {}

  public static Optional<MergeMethod> named(String name) {
    return Optional.ofNullable(Holder.METHODS.get(name));
  }

  /** All methods in the order of their names. */
  public static Collection<MergeMethod> all() {
    return Holder.METHODS.values();
  }

  /** All names in order. */
  public static Collection<String> names() {
    return Holder.METHODS.keySet();
  }

  private static Map<String, MergeMethod> load() {
    Map<String, MergeMethod> methods = new TreeMap<>();
    for (MergeMethod m :
        ServiceLoader.load(MergeMethod.class, MergeMethod.class.getClassLoader())) {
      MergeMethod other = methods.put(m.spec().name(), m);
      if (other != null) {
        throw new IllegalStateException(m.spec().name() + " is registered twice");
      }
    }
    return methods;
  }
}
