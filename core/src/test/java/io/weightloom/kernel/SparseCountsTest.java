package io.weightloom.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SparseCountsTest {

  @Test
  void addUpToTheCounts() {
    SplittableRandom random = new SplittableRandom(2);
    long[] counts = new long[1 << 16];
    for (int i = 0; i < 300; i++) {
      counts[random.nextInt(counts.length)] = random.nextLong(1L << random.nextInt(1, 50));
    }
    counts[0] = 127;
    counts[1] = 128;
    counts[counts.length - 1] = Long.MAX_VALUE / 2;
    long[] twice = counts.clone();
    SparseCounts sparse = SparseCounts.of(counts);

    sparse.addTo(twice);

    for (int i = 0; i < counts.length; i++) {
      assertThat(twice[i]).isEqualTo(2 * counts[i]);
    }
    assertThat(List.of(0, 1, 2, counts.length - 1))
        .allSatisfy(bin -> assertThat(sparse.count(bin)).isEqualTo(counts[bin]));
  }

  @Test
  void ofInts() {
    int[] counts = new int[1 << 15];
    counts[7] = 3;
    counts[counts.length - 1] = Integer.MAX_VALUE;
    long[] added = new long[counts.length];

    SparseCounts.of(counts).addTo(added);

    assertThat(added).isEqualTo(Arrays.stream(counts).asLongStream().toArray());
  }

  @Test
  void ofOneBin() {
    SparseCounts sparse = SparseCounts.of(300, 1L << 40);
    long[] added = new long[512];

    sparse.addTo(added);

    assertThat(Arrays.stream(added).sum()).isEqualTo(1L << 40);
    assertThat(added[300]).isEqualTo(1L << 40);
    assertThat(sparse.count(300)).isEqualTo(1L << 40);
    assertThat(sparse.count(299)).isZero();
  }
}
