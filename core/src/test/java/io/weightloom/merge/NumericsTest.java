package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where each mode rounds. */
class NumericsTest {

  private static MergeInMemory task(DType output) {
    return MergeInMemory.of("task_arithmetic").dtype(output);
  }

  /** 0.3 is 0.30078125 in bf16: seen once 0.25 is taken away. */
  @Test
  void accurateRoundsOnceAtTheEndAndMergekitEachStep() {
    assertThat(difference().run().values())
        .isEqualTo(Stored.of(DType.BF16, 0.3 - 0.25).values())
        .containsExactly(0.050048828125);
    assertThat(difference().mergekit(DType.BF16).run().values()).containsExactly(0.05078125);
  }

  private static MergeInMemory difference() {
    return task(DType.BF16)
        .set("weight", new double[] {0.3, -0.25})
        .taskVectors(new double[] {1}, new double[] {1});
  }

  /** 256 + 1 is lost in bf16, as a sum and as a cast. */
  @Test
  void mergekitCastsInputsToTheComputeDtype() {
    Stored base = Stored.of(DType.F32, 256);
    Stored model = Stored.of(DType.F32, 257);

    assertThat(task(DType.F32).mergekit(DType.BF16).tensor("t", base, model).run().values())
        .containsExactly(256);
    assertThat(task(DType.F32).mergekit(DType.F32).tensor("t", base, model).run().values())
        .containsExactly(257);
    assertThat(task(DType.F32).tensor("t", base, model).run().values()).containsExactly(257);
  }

  @Test
  void mergekitCastsDoublesToo() {
    Stored base = Stored.of(DType.F64, 256);
    Stored model = Stored.of(DType.F64, 257);

    assertThat(task(DType.BF16).mergekit(DType.BF16).tensor("t", base, model).run().values())
        .containsExactly(256);
    assertThat(task(DType.F64).mergekit(DType.F32).tensor("t", base, model).run().values())
        .containsExactly(257);
  }

  /** 1 + 2⁻⁸ lies halfway between two bf16 values; only fp64 sees the 2⁻³² more. */
  @ParameterizedTest
  @CsvSource({"F64, 1.0078125", "F32, 1"})
  void mergekitComputesInTheDtypeThatItIsTold(DType compute, double expected) {
    double[] merged =
        task(DType.BF16)
            .mergekit(compute)
            .set("weight", new double[] {1 + 0x1p-8, 0x1p-32})
            .taskVectors(new double[] {1}, new double[] {1})
            .run()
            .values();

    assertThat(merged).containsExactly(expected);
  }

  /** A third of three is one in fp64, and rounds back to one wherever it is stored. */
  @ParameterizedTest
  @CsvSource({"F32", "BF16", "F16"})
  void accurateSharesAreNotRounded(DType dtype) {
    double[] merged =
        MergeInMemory.of("linear")
            .dtype(dtype)
            .tensor(new double[1], new double[] {0.1}, new double[] {0.1}, new double[] {0.1})
            .run()
            .values();

    assertThat(merged).isEqualTo(Stored.of(dtype, 0.1).values());
  }

  /** As fp32 numbers 0.3, −0.25 and −0.05 do not cancel. */
  @Test
  void accurateWeightsOfFp32OutputsAreNotRounded() {
    double big = 1 << 23;
    double[] merged =
        task(DType.F32)
            .set("weight", new double[] {0.3, -0.25, -0.05})
            .taskVectors(new double[] {big}, new double[] {big}, new double[] {big})
            .run()
            .values();

    assertThat(Math.abs(merged[0])).isLessThan(1e-8);
  }

  /** The sum is divided, not each weight. */
  @Test
  void mergekitAveragesInFp32StepByStep() {
    float w1 = 0.1f;
    float w2 = 0.7f;
    float x1 = 0.3f;
    float x2 = 0.9f;
    float expected = (w1 * x1 + w2 * x2) / (w1 + w2);

    double[] merged =
        MergeInMemory.of("linear")
            .dtype(DType.F32)
            .mergekit(DType.F32)
            .set("weight", new double[] {0.1, 0.7})
            .tensor(new double[1], new double[] {x1}, new double[] {x2})
            .run()
            .values();

    assertThat(merged).containsExactly(expected);
  }
}
