package io.weightloom.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.testkit.Seeds;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CounterRandomTest {

  @Test
  void drawsTheSequenceOfSplitMix64() {
    assertThat(LongStream.range(0, 4).map(i -> CounterRandom.draw(0, i)))
        .containsExactly(
            0xe220a8397b1dcdafL, 0x6e789e6aa1b965f4L, 0x06c45d188009454fL, 0xf88bb8a8724c81ecL);
  }

  @Test
  void drawsUniformNumbers() {
    double[] expected = {
      0.741565, 0.159910, 0.278601, 0.344191, 0.038030, 0.868228, 0.218405, 0.800632
    };
    for (int i = 0; i < expected.length; i++) {
      assertThat(CounterRandom.uniform(42, i)).isCloseTo(expected[i], within(5e-7));
    }
  }

  private static boolean dropped(double p, long index) {
    return CounterRandom.draw(42, index) >>> 11 < CounterRandom.dropBelow(p);
  }

  @Test
  void dropsTheSameElementsEverywhere() {
    assertThat(
            IntStream.range(0, 16)
                .mapToObj(i -> dropped(0.5, i) ? "1" : "0")
                .collect(Collectors.joining()))
        .isEqualTo("0111101010110001");
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "0.5, 4978", "0.9, 9008", "1, 10000"})
  void dropsWithTheProbabilityAsked(double p, long count) {
    assertThat(LongStream.range(0, 10_000).filter(i -> dropped(p, i)).count()).isEqualTo(count);
  }

  @Test
  void derivesKeysFromSeedModelAndTensor() {
    String tensor = "model.layers.0.mlp.up_proj.weight";
    assertThat(CounterRandom.fnv1a64(("math\0" + tensor).getBytes(StandardCharsets.UTF_8)))
        .isEqualTo(0xda0bc3dc34636920L);
    assertThat(CounterRandom.key(42, "math", tensor)).isEqualTo(0x5f889556dd4bb9c6L);
    assertThat(CounterRandom.key(42, "mathm", tensor.substring(1)))
        .isNotEqualTo(CounterRandom.key(42, "math", tensor));
  }

  @ParameterizedTest
  @Seeds(20)
  void drawsWhatSplittableRandomDraws(long key) {
    SplittableRandom random = new SplittableRandom(key);
    for (int i = 0; i < 100; i++) {
      assertThat(CounterRandom.draw(key, i)).isEqualTo(random.nextLong());
    }
  }
}
