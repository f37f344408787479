package io.weightloom.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

/** Keeps a build that is meant to test SIMD from testing the plain loops instead. */
class RequiredProviderTest {
  private static final String PROPERTY = "weightloom.test.requireProvider";

  @Test
  void theRequiredProviderWasChosen() {
    String required = System.getProperty(PROPERTY, "");
    assumeTrue(!required.isEmpty(), "no provider is required (-D" + PROPERTY + "=vector)");
    KernelRegistry registry = KernelRegistry.get();
    assertThat(registry.kernels().name())
        .as("the providers answered %s", registry.answers())
        .isEqualTo(required);
  }
}
