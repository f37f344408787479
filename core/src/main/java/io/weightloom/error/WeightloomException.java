package io.weightloom.error;

import static java.util.Objects.requireNonNull;

/**
 * A failure that the user can act upon. The message reads <em>Cannot ‹do› ‹what›: ‹why, with the
 * values› (‹how to fix›)</em>; it is shown without a stack trace.
 *
 * <p>Programmer errors are {@link IllegalArgumentException} or {@link IllegalStateException}
 * instead.
 */
public final class WeightloomException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** What went wrong, by who can mend it; each has a process exit code. */
  public enum Kind {
    /** A wrong command line or recipe. */
    USAGE(2),
    /** A model or file that is missing, malformed or holds forbidden values. */
    INPUT(3),
    /** A check whose verdict is no. */
    GATE(4),
    /** An output that exists, or that another run is writing. */
    CONFLICT(5);

    private final int exitCode;

    Kind(int exitCode) {
      this.exitCode = exitCode;
    }

    /** The exit code of a process that ends with this kind of failure. */
    public int exitCode() {
      return exitCode;
    }
  }

  private final Kind kind;

  private WeightloomException(Kind kind, String message) {
    super(message);
    this.kind = requireNonNull(kind);
  }

  /** A failure of the command line or the recipe. */
  public static WeightloomException usage(String message) {
    return new WeightloomException(Kind.USAGE, message);
  }

  /** A failure of an input model or file. */
  public static WeightloomException input(String message) {
    return new WeightloomException(Kind.INPUT, message);
  }

  /** A check that says no. */
  public static WeightloomException gate(String message) {
    return new WeightloomException(Kind.GATE, message);
  }

  /** An output in the way. */
  public static WeightloomException conflict(String message) {
    return new WeightloomException(Kind.CONFLICT, message);
  }

  /** The failure that {@code error} is or was caused by, as Spark wraps what its tasks throw. */
  public static java.util.Optional<WeightloomException> in(Throwable error) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      if (t instanceof WeightloomException found) {
        return java.util.Optional.of(found);
      }
    }
    return java.util.Optional.empty();
  }

  public Kind kind() {
    return kind;
  }
}
