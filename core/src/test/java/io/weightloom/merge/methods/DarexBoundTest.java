package io.weightloom.merge.methods;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * φ of the bound that DAREx minimises, by the paper's formula (arXiv:2410.09344) in numpy 2.4.6.
 */
class DarexBoundTest {

  @ParameterizedTest
  @CsvSource({"0.99, .2132697366", "0.9, .3640956907", "0.5, 0.5", "0.5000001, 0.5"})
  void phiGoesToAHalfInTheMiddle(double p, double phi) {
    assertThat(Darex.phi(p)).isCloseTo(phi, Offset.offset(1e-10));
    assertThat(Darex.phi(1 - p)).isCloseTo(phi, Offset.offset(1e-10));
  }
}
