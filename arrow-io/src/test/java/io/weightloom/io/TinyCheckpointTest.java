package io.weightloom.io;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.kernel.Half;
import io.weightloom.testkit.TinyCheckpoint;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The test helper and the product were written apart; they must agree. */
class TinyCheckpointTest {
  private static short only(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getShort();
  }

  @Test
  void everyHalfIsEncodedAsItself() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float value = Half.f16ToFloat((short) bits);
      if (!Float.isNaN(value)) {
        assertThat(only(TinyCheckpoint.encode("F16", value))).isEqualTo((short) bits);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1.00048828125, 3c00", // halfway, to even
    "1.00146484375, 3c02", // halfway, to even
    "2047.9999, 6800", // into the next binade
    "2.98e-8, 0000", // below half the smallest
    "2.99e-8, 0001",
    "6.1e-5, 03ff", // the largest subnormal
    "65519.99, 7bff",
    "65520, 7c00",
    "-0.0, 8000",
    "NaN, 7e00"
  })
  void halvesAreRoundedToNearestEven(double value, String bits) {
    assertThat(only(TinyCheckpoint.encode("F16", value)))
        .isEqualTo((short) Integer.parseInt(bits, 16));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 3f80",
    "1.00390625, 3f80", // halfway, to even
    "1.01171875, 3f82", // halfway, to even
    "3.4e38, 7f80", // beyond the largest
    "-2, c000",
    "NaN, 7fc0"
  })
  void brainFloatsAreRoundedToNearestEven(double value, String bits) {
    assertThat(only(TinyCheckpoint.encode("BF16", value)))
        .isEqualTo((short) Integer.parseInt(bits, 16));
  }
}
