package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import java.util.function.Supplier;
import org.apache.spark.sql.AnalysisException;
import scala.Option;
import scala.collection.immutable.Map;

/**
 * Our failures as Spark's analysis errors, which notebooks and shells print without a stack trace.
 */
public final class Failures {
  /** Spark's condition for words that are not its own; it shows them as they are. */
  private static final String CONDITION = "_LEGACY_ERROR_USER_RAISED_EXCEPTION";

  private Failures() {}

  /** Answers, and throws a {@link WeightloomException} as an {@link AnalysisException}. */
  public static <T> T shown(Supplier<T> question) {
    try {
      return question.get();
    } catch (WeightloomException e) {
      throw failure(e);
    }
  }

  /** The analysis error to throw. Spark's interfaces do not declare it, although they expect it. */
  public static RuntimeException failure(WeightloomException e) {
    Map<String, String> words = new Map.Map1<>("errorMessage", e.getMessage());
    return Failures.<RuntimeException>unchecked(
        new AnalysisException(CONDITION, words, Option.apply(e)));
  }

  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  private static <E extends Throwable> RuntimeException unchecked(Throwable e) throws E {
    throw (E) e;
  }
}
