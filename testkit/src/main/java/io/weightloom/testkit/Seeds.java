package io.weightloom.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.provider.ArgumentsSource;

/**
 * Runs a parameterised test once for each of {@code value} seeds, which the method takes as its one
 * {@code long}. A method has the same seeds in every run. The display name of each run shows its
 * seed; {@code -Dwl.seed=N} runs that one alone.
 *
 * <pre>{@code
 * @ParameterizedTest
 * @Seeds(20)
 * void sumsDoNotDependOnTheOrder(long seed) { ... }
 * }</pre>
 */
@Documented
@Target({ElementType.METHOD, ElementType.ANNOTATION_TYPE})
@Retention(RetentionPolicy.RUNTIME)
@ArgumentsSource(SeedsProvider.class)
public @interface Seeds {

  /** The number of seeds. */
  int value();
}
