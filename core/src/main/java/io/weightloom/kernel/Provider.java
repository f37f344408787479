package io.weightloom.kernel;

/**
 * A service that offers an implementation of {@code S}. Asking {@link #usability} never links the
 * heavy classes: a provider whose needs are not met says why, and the next one is taken.
 *
 * @param <S> what is offered
 */
public interface Provider<S> {

  /** The name by which users force it. */
  String name();

  /** Whether it works in this JVM, and if not, why and what to pass. */
  Usability usability();

  /** Higher is tried first; what always works has 0. */
  int priority();

  /** Only called when usable. */
  S create();
}
