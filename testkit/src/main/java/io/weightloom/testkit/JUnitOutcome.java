package io.weightloom.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.scalatest.exceptions.TestCanceledException;

/** Collects what became of one request, to tell it in ScalaTest's terms. */
final class JUnitOutcome implements TestExecutionListener {
  private final List<Throwable> failures = new ArrayList<>();
  private final List<String> notRun = new ArrayList<>();
  private int passed;

  @Override
  public void executionSkipped(TestIdentifier id, String reason) {
    notRun.add(reason);
  }

  @Override
  public void executionFinished(TestIdentifier id, TestExecutionResult result) {
    Optional<Throwable> cause = result.getThrowable();
    if (result.getStatus() == Status.FAILED) {
      failures.add(cause.orElseGet(() -> new AssertionError(id.getDisplayName() + " failed")));
    } else if (result.getStatus() == Status.ABORTED) {
      notRun.add(cause.map(Throwable::getMessage).orElse("aborted"));
    } else if (id.isTest()) {
      passed++;
    }
  }

  /** Throws the failures, or says that nothing ran. */
  void rethrow() {
    if (!failures.isEmpty()) {
      Throwable first = failures.get(0);
      failures.stream().skip(1).filter(f -> f != first).forEach(first::addSuppressed);
      JUnitOutcome.<RuntimeException>sneak(first);
    }
    if (passed == 0) {
      String why = notRun.isEmpty() ? "nothing ran" : String.join("; ", notRun);
      throw new TestCanceledException(why, 0);
    }
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }
}
