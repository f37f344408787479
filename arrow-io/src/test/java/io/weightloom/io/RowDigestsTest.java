package io.weightloom.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Held against rows that are compared byte by byte. */
class RowDigestsTest {
  private static final int ROW = 24;

  /** Rows of few kinds, zeros among them; each byte differs from kind to kind. */
  private static byte[] matrix(int rows, int kinds, Random random) {
    byte[] data = new byte[rows * ROW];
    for (int r = 0; r < rows; r++) {
      int kind = random.nextInt(kinds);
      byte[] row = new byte[ROW];
      if (kind > 0) {
        new Random(kind).nextBytes(row);
      }
      System.arraycopy(row, 0, data, r * ROW, ROW);
    }
    return data;
  }

  private static RowDigests.Repeats expected(byte[] data) {
    int rows = data.length / ROW;
    long repeated = 0;
    long largest = 0;
    long first = -1;
    for (int r = 0; r < rows; r++) {
      byte[] row = Arrays.copyOfRange(data, r * ROW, (r + 1) * ROW);
      if (Arrays.equals(row, new byte[ROW])) {
        continue;
      }
      long size = 0;
      boolean isFirst = true;
      for (int s = 0; s < rows; s++) {
        if (Arrays.equals(row, Arrays.copyOfRange(data, s * ROW, (s + 1) * ROW))) {
          size++;
          isFirst &= s >= r;
        }
      }
      repeated += isFirst ? 0 : 1;
      if (isFirst && size > largest) {
        largest = size;
        first = size > 1 ? r : -1;
      }
    }
    return new RowDigests.Repeats(repeated, largest, first);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 9", "40, 2", "40, 5", "40, 30", "40, 100000"})
  void equalRowsAreCountedHoweverTheyAreDealtOut(int rows, int kinds) {
    Random random = new Random(rows + kinds);
    byte[] data = matrix(rows, kinds, random);
    // Two rows, and parts of 10, 10 and 4 bytes.
    for (int cut : new int[] {2 * ROW, ROW, 10}) {
      RowDigests[] tasks = {new RowDigests(rows, ROW), new RowDigests(rows, ROW)};
      int n;
      for (int at = 0; at < data.length; at += n) {
        int left = cut < ROW ? ROW - at % ROW : data.length - at;
        n = Math.min(cut, left);
        tasks[random.nextInt(2)].add(at, Arrays.copyOfRange(data, at, at + n + 3), n);
      }
      tasks[1].merge(tasks[0]);

      assertThat(tasks[1].repeats()).as("cut at %d", cut).isEqualTo(expected(data));
    }
  }

  @Test
  void partsThatChangePlacesMakeAnotherRow() {
    RowDigests digests = new RowDigests(2, 4);
    digests.add(0, new byte[] {1, 2}, 2);
    digests.add(2, new byte[] {3, 4}, 2);
    digests.add(4, new byte[] {3, 4}, 2);
    digests.add(6, new byte[] {1, 2}, 2);

    assertThat(digests.repeats()).isEqualTo(new RowDigests.Repeats(0, 1, -1));
  }
}
