package io.weightloom.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.testkit.Serialized;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Held against {@link ContentDigest.Accumulator}, whose values are golden. */
class PartialDigestTest {
  private static final long GRAIN = 2L * ContentDigest.CHUNK_BYTES;

  private static byte[] data(int n) {
    byte[] b = new byte[n];
    new Random(n).nextBytes(b);
    return b;
  }

  private static String expected(byte[] data) {
    ContentDigest.Accumulator all = new ContentDigest.Accumulator(GRAIN);
    all.update(data, 0, data.length);
    return ContentDigest.tensor(all.grains());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 1_000_000})
  void neitherCutsNorTasksNorTheirOrderShow(int length) {
    byte[] data = data(length);
    Random random = new Random(length);
    for (int most : new int[] {1_500, 70_000, 300_000}) {
      for (int tasks : new int[] {1, 2, 5}) {
        List<PartialDigest> parts = new ArrayList<>();
        for (int t = 0; t < tasks; t++) {
          parts.add(new PartialDigest(length));
        }
        int n;
        for (int at = 0; at < length; at += n) {
          n = Math.min(length - at, 1 + random.nextInt(most));
          byte[] lent = new byte[n + 5];
          random.nextBytes(lent);
          System.arraycopy(data, at, lent, 3, n);
          parts.get(random.nextInt(tasks)).add(at, lent, 3, n);
        }
        Collections.shuffle(parts, random);
        PartialDigest all = Serialized.copy(parts.get(0));
        for (PartialDigest other : parts.subList(1, tasks)) {
          all.merge(Serialized.copy(other));
        }

        assertThat(all.tensor(GRAIN)).isEqualTo(expected(data));
      }
    }
  }

  @Test
  void aDigestOfPartsIsNone() {
    PartialDigest digest = new PartialDigest(100);
    digest.add(10, new byte[90], 0, 90);

    assertThatThrownBy(() -> digest.tensor(GRAIN)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> digest.add(95, new byte[9], 0, 9))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
