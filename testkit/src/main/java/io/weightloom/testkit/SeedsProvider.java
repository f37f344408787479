package io.weightloom.testkit;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.AnnotationConsumer;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** Draws the seeds of {@link Seeds} from the names of the test's class and method. */
final class SeedsProvider implements ArgumentsProvider, AnnotationConsumer<Seeds> {
  private static final String ONLY = "wl.seed";

  private int count;

  @Override
  public void accept(Seeds seeds) {
    count = seeds.value();
  }

  @Override
  public Stream<? extends Arguments> provideArguments(
      ParameterDeclarations parameters, ExtensionContext context) {
    String test = context.getRequiredTestClass().getName() + '#' + context.getDisplayName();
    Long only = Long.getLong(ONLY);
    // Seeds of 31 bits are easy to copy from a report.
    LongStream seeds =
        only != null
            ? LongStream.of(only)
            : new SplittableRandom(test.hashCode()).longs(count, 0, Integer.MAX_VALUE);
    return seeds.mapToObj(seed -> Arguments.argumentSet("seed " + seed, seed));
  }
}
