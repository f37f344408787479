package io.weightloom.io.table;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import io.weightloom.testkit.TinyCheckpoint;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedBlockTest {
  private static byte[] gaussian(String dtype, int n) {
    Random random = new Random(3);
    return TinyCheckpoint.encode(
        dtype, random.doubles(n).map(u -> 0.02 * random.nextGaussian()).toArray());
  }

  @ParameterizedTest
  @EnumSource
  void unpackingGivesTheBytesBack(DType dtype) {
    byte[] raw = new byte[4096 + 64];
    new Random(dtype.bits()).nextBytes(raw);
    Arrays.fill(raw, 1000, 3000, (byte) 7);
    try (PackedBlock packer = new PackedBlock()) {
      for (int length : new int[] {8, 64, 4096}) {
        byte[] packed = packer.pack(dtype, raw, length);
        if (length == 4096) {
          assertThat(packed).hasSizeLessThan(length);
        }
        if (packed != null) {
          assertThat(PackedBlock.unpack("it", packed, length))
              .isEqualTo(Arrays.copyOf(raw, length));
        }
      }
    }
  }

  @Test
  void gaussianWeightsInBf16TakeSevenTenthsAtMost() {
    byte[] raw = gaussian("BF16", 1 << 19);
    try (PackedBlock packer = new PackedBlock()) {
      byte[] packed = requireNonNull(packer.pack(DType.BF16, raw, raw.length));

      assertThat((double) packed.length / raw.length).isBetween(0.6, 0.7);
      assertThat(PackedBlock.unpack("it", packed, raw.length)).isEqualTo(raw);
    }
  }

  @Test
  void whatCannotBeMadeSmallerIsNotPacked() {
    byte[] raw = new byte[1 << 16];
    new Random(5).nextBytes(raw);
    try (PackedBlock packer = new PackedBlock()) {
      assertThat(packer.pack(DType.U8, raw, raw.length)).isNull();
      assertThat(packer.pack(DType.BF16, raw, 0)).isNull();
    }
  }

  @Test
  void damageIsSaidAndNeverMoreThanAnError() {
    byte[] raw = gaussian("F32", 3000);
    byte[] packed;
    try (PackedBlock packer = new PackedBlock()) {
      packed = requireNonNull(packer.pack(DType.F32, raw, raw.length));
    }
    Random random = new Random(1);
    for (int i = 0; i < 2000; i++) {
      byte[] damaged = packed.clone();
      damaged[random.nextInt(i % 2 == 0 ? 20 : damaged.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        assertThat(PackedBlock.unpack("it", damaged, raw.length)).hasSize(raw.length);
      } catch (WeightloomException e) {
        assertThat(e).hasMessageStartingWith("Cannot unpack it: ");
      }
    }
    assertThatThrownBy(() -> PackedBlock.unpack("it", new byte[3], 8))
        .hasMessageStartingWith("Cannot unpack it: ");
  }
}
