package io.weightloom.merge;

import static io.weightloom.merge.Golden.WITHIN;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Matrices whose deviation exceeds a target are brought back to it. */
class TargetVarianceRescalingTest {
  private static final String LAYER = "model.layers.3.mlp.up_proj.weight";

  /** Of deviation 0.5774, with n − 1. */
  private static final double[] WEIGHTS = {
    1, 0.5, -0.25, 0.75, 0.5, 1, 0.25, -0.5, 0.25, -0.5, 1, 1
  };

  private static MergeInMemory rescaling(double target) {
    return MergeInMemory.of("target_variance_rescaling").set("target", target).dtype(DType.F64);
  }

  private static double[] rescaled(MergeInMemory merge, String name) {
    return merge.shape(name, 3, 4).tensor(name, WEIGHTS, WEIGHTS).run().values();
  }

  /** Golden: dev/golden/span.py, numpy 2.4.6. */
  @Test
  void aMatrixIsScaledAboutItsMean() {
    double[] wanted = {
      0.6692574094, 0.4527510585, 0.1279915321, 0.5610042340, 0.4527510585, 0.6692574094,
      0.3444978830, 0.0197383566, 0.3444978830, 0.0197383566, 0.6692574094, 0.6692574094
    };

    assertThat(rescaled(rescaling(0.25), LAYER)).containsExactly(wanted, WITHIN);
    // Layer 3 is the fourth: 0.5/√4.
    assertThat(rescaled(rescaling(0.5).set("by_depth", "sqrt"), LAYER))
        .containsExactly(wanted, WITHIN);
  }

  @ParameterizedTest
  @CsvSource({"1.15, false", "1.16, true", "1.2, true"})
  void upToTheThresholdItStays(double threshold, boolean stays) {
    double[] merged = rescaled(rescaling(0.5).set("threshold", threshold), LAYER);

    assertThat(java.util.Arrays.equals(merged, WEIGHTS)).isEqualTo(stays);
  }

  @Test
  void outsideOfLayersAMatrixIsLeftUnlessAskedFor() {
    String name = "lm_head.weight";

    assertThat(rescaled(rescaling(0.1), name)).isEqualTo(WEIGHTS);
    assertThat(rescaled(rescaling(0.1).set("targets", "matrices"), name)).isNotEqualTo(WEIGHTS);
    // Without a layer there is no depth.
    assertThat(rescaled(rescaling(0.1).set("targets", "matrices").set("by_depth", "sqrt"), name))
        .isEqualTo(rescaled(rescaling(0.1).set("targets", "matrices"), name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "3"})
  void whatIsNoMatrixStays(int dimensions) {
    long[] dims = dimensions == 1 ? new long[] {12} : new long[] {3, 2, 2};

    assertThat(rescaling(0.1).shape(LAYER, dims).tensor(LAYER, WEIGHTS, WEIGHTS).run().values())
        .isEqualTo(WEIGHTS);
  }

  @Test
  void equalWeightsHaveNoDeviationToMend() {
    double[] ones = new double[64];
    java.util.Arrays.fill(ones, 0.1);

    assertThat(rescaling(1e-12).shape(LAYER, 8, 8).tensor(LAYER, ones, ones).run().values())
        .isEqualTo(ones);
  }

  @Test
  void theManifestSaysWhatWasFound() {
    MergeInMemory.Result merged =
        rescaling(0.5).shape(LAYER, 3, 4).tensor(LAYER, WEIGHTS, WEIGHTS).run();

    assertThat((Double) merged.decisions().get(0).get("deviation")).isCloseTo(0.5773502692, WITHIN);
    assertThat(merged.decisions().get(0)).containsEntry("deviation_target", 0.5);
  }
}
