package io.weightloom.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Golden values by {@code dev/golden/xxh3.py}, Python's xxhash 4.1.0 of xxHash 0.8.4. */
class ContentDigestTest {
  private static final long GRAIN = 2L * ContentDigest.CHUNK_BYTES;

  private static byte[] data(int n) {
    byte[] b = new byte[n];
    for (int i = 0; i < n; i++) {
      b[i] = (byte) (i * 31 + 7);
    }
    return b;
  }

  @ParameterizedTest
  @CsvSource({
    "0, 2d06800538d394c2",
    "1, 4c5cca45d0f4811f",
    "3, 15f7093b173d005c",
    "4, dca012f95811b6b9",
    "8, dec6a9a43575982e",
    "9, cbe393399f17ffbd",
    "16, 7e484c18d74895d0",
    "17, 208bde5ee2bed407",
    "128, f92b70eaa21a6288",
    "129, f8f76713f2bb60fa",
    "240, ccc7375172c41f03",
    "241, 0b3b630948ce4a00",
    "1024, 23bc880ebf0d29c6",
    "4096, a3c19f8174cde0bb",
    "65535, 029a95236cd9efcd",
    "65536, cf188822048798b0"
  })
  void chunkIsXxh3(int length, String expected) {
    byte[] padded = new byte[length + 6];
    System.arraycopy(data(length), 0, padded, 3, length);

    assertThat(ContentDigest.chunk(padded, 3, length))
        .isEqualTo(Long.parseUnsignedLong(expected, 16));
  }

  @ParameterizedTest
  @CsvSource({
    "1, cf6f6c9964662384",
    "65536, db30f7a17bd80dc6",
    "65537, f5ac99bcd8d6fb75",
    "200000, 4d0c3508e4a8b54c"
  })
  void grainIsXxh3OfTheChunksDigests(int length, String expected) {
    byte[] data = data(length);
    long[] chunks = new long[9];
    int count = 0;
    for (int at = 0; at < length; at += ContentDigest.CHUNK_BYTES) {
      int n = Math.min(ContentDigest.CHUNK_BYTES, length - at);
      chunks[count++] = ContentDigest.chunk(data, at, n);
    }

    assertThat(ContentDigest.grain(chunks, count)).isEqualTo(Long.parseUnsignedLong(expected, 16));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 99aa06d3014798d86001c324468d497f",
    "1, bb645a32a1cea72bf4ad3924c843d35e",
    "65536, 970f45d2bf66604154b8609859c798fd",
    "131072, 9e5ceea199e460d5a095132dd3c79ed7",
    "131073, 536c0b8ab78d59e02ef768d8f7100eb2",
    "1000000, 7939d13517c4035de593c90ee213df9e"
  })
  void tensorIsXxh128OfTheGrainsDigestsHoweverItIsCut(int length, String expected) {
    byte[] data = data(length);
    Random random = new Random(length);
    for (int round = 0; round < 4; round++) {
      var digest = new ContentDigest.Accumulator(GRAIN);
      int at = 0;
      while (at < length) {
        int n = Math.min(length - at, 1 + random.nextInt(round == 0 ? length : 200_000));
        digest.update(data, at, n);
        at += n;
      }

      assertThat(ContentDigest.tensor(digest.grains())).isEqualTo(expected);
      assertThat(ContentDigest.tensor(digest.grains())).as("again").isEqualTo(expected);
    }
  }

  @Test
  void rangesOfWholeGrainsGiveTheSameGrainsOnTheirOwn() {
    byte[] data = data(5 * (int) GRAIN + 17);
    var whole = new ContentDigest.Accumulator(GRAIN);
    whole.update(data, 0, data.length);
    var tail = new ContentDigest.Accumulator(GRAIN);
    tail.update(data, 3 * (int) GRAIN, data.length - 3 * (int) GRAIN);

    assertThat(whole.grains()).hasSize(6).endsWith(tail.grains());
  }

  @Test
  void aGrainIsAMultipleOfAChunk() {
    assertThatThrownBy(() -> new ContentDigest.Accumulator(65537))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a grain of 65537 bytes is not a multiple of 65536");
  }

  @Test
  void nothingMayFollowTheEnd() {
    var digest = new ContentDigest.Accumulator(GRAIN);
    assertThat(digest.grains()).isEmpty();

    assertThatThrownBy(() -> digest.update(new byte[1], 0, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the digest is finished");
  }
}
