package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PassthroughTest {

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void keepsEveryBit(DType dtype) {
    Stored model = Stored.of(dtype, -0.0, 0.1, -3e-6, 65504, 1);

    Stored out =
        MergeInMemory.of("passthrough")
            .dtype(dtype)
            .tensor("t", null, model)
            .run()
            .outputs()
            .get(0);

    assertThat(out.bytes()).isEqualTo(model.bytes());
  }

  @Test
  void scales() {
    assertThat(
            MergeInMemory.of("passthrough")
                .dtype(DType.F32)
                .set("scale", 0.5)
                .tensor(new double[2], new double[] {3, -1})
                .run()
                .values())
        .containsExactly(1.5, -0.5);
  }
}
