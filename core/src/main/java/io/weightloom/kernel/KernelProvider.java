package io.weightloom.kernel;

/**
 * A service that offers an implementation of {@link Kernels}. Asking {@link #usability} never links
 * the heavy classes: a provider whose needs are not met says why, and the next one is taken.
 */
public interface KernelProvider {

  /** The name by which users force it. */
  String name();

  /** Whether it works in this JVM, and if not, why and what to pass. */
  Usability usability();

  /** Higher is tried first; the scalar provider has 0. */
  int priority();

  /** Only called when usable. */
  Kernels create();
}
