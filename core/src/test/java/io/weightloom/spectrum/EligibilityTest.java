package io.weightloom.spectrum;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.spectrum.SpectrumOptions.Mode;
import io.weightloom.tensor.DType;
import java.util.List;
import org.junit.jupiter.api.Test;

class EligibilityTest {
  private static String reason(Mode mode, String name, DType dtype, long... shape) {
    return new Eligibility(SpectrumOptions.of(mode), List.of(name, "x.weight"))
        .reason(Matrices.spec(name, dtype, shape))
        .orElse("");
  }

  @Test
  void everyMatrixIsLookedAt() {
    assertThat(reason(Mode.RELATIVE, "embed", DType.BF16, 128256, 4096)).isEmpty();
    assertThat(reason(Mode.RELATIVE, "w", DType.F32, 53248, 16384)).isEmpty();
    assertThat(reason(Mode.RELATIVE, "experts", DType.F32, 8, 64, 32)).isEmpty();
    assertThat(reason(Mode.RELATIVE, "conv", DType.F16, 64, 3, 7, 7)).isEmpty();
    assertThat(reason(Mode.RELATIVE, "conv1d", DType.F16, 64, 1, 4)).isEmpty();
  }

  @Test
  void whatIsNoMatrixSaysWhy() {
    assertThat(reason(Mode.RELATIVE, "norm", DType.F32, 64)).isEqualTo("no matrix: 1 dimensions");
    assertThat(reason(Mode.RELATIVE, "w", DType.F8_E4M3, 64, 64))
        .isEqualTo("F8_E4M3 is not computed on");
    assertThat(reason(Mode.RELATIVE, "w", DType.F32, 0, 64)).isEqualTo("no elements");
    assertThat(reason(Mode.RELATIVE, "w", DType.F32, 64, 1)).isEqualTo("64 × 1 is a vector");
    assertThat(reason(Mode.RELATIVE, "w", DType.F32, 50000, 50000)).contains("46340");
  }

  @Test
  void weightWatcherLeavesOutMore() {
    assertThat(reason(Mode.WEIGHTWATCHER, "w.weight", DType.F32, 40, 8)).isEmpty();
    assertThat(reason(Mode.WEIGHTWATCHER, "w.weight", DType.F32, 40, 7)).contains("fewer than 8");
    assertThat(reason(Mode.WEIGHTWATCHER, "w.weight", DType.F32, 50001, 12)).contains("50000");
    assertThat(reason(Mode.WEIGHTWATCHER, "w.weight", DType.F32, 16000, 15001))
        .contains("more than 15000");
    assertThat(reason(Mode.WEIGHTWATCHER, "w.weight", DType.F32, 4, 20, 20))
        .contains("3 dimensions");
    assertThat(reason(Mode.WEIGHTWATCHER, "w", DType.F32, 40, 40)).contains(".weight");
    assertThat(reason(Mode.WEIGHTWATCHER, "c.weight", DType.F32, 4, 3, 3, 3)).isEmpty();
  }
}
