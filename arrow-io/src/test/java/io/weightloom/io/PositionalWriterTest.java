package io.weightloom.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@NullUnmarked
class PositionalWriterTest {
  private static final int SIZE = 7_654_321;

  @TempDir Path dir;

  /** Ranges that begin and end anywhere, each written in pieces by a writer of its own. */
  private static void write(Path file, byte[] content, long seed) throws IOException {
    Files.write(file, new byte[content.length]);
    Random random = new Random(seed);
    List<Integer> cuts = new ArrayList<>(List.of(0));
    while (cuts.get(cuts.size() - 1) < content.length) {
      int size = 1 + random.nextInt(random.nextBoolean() ? 9000 : 3_000_000);
      cuts.add(Math.min(content.length, cuts.get(cuts.size() - 1) + size));
    }
    IntStream.range(0, cuts.size() - 1)
        .parallel()
        .forEach(i -> range(file, content, cuts.get(i), cuts.get(i + 1), seed + i));
  }

  private static void range(Path file, byte[] content, int from, int to, long seed) {
    Random random = new Random(seed);
    try (PositionalWriter writer = PositionalWriter.open(file)) {
      for (int at = from; at < to; ) {
        int n = Math.min(to - at, 1 + random.nextInt(200_000));
        byte[] block = new byte[n + 13];
        System.arraycopy(content, at, block, 0, n);
        writer.write(at, block, n);
        at += n;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] content(long seed) {
    byte[] content = new byte[SIZE];
    new Random(seed).nextBytes(content);
    return content;
  }

  @Test
  void manyWritersFillOneFile() throws IOException {
    for (long seed = 1; seed <= 6; seed++) {
      Path file = dir.resolve("f" + seed);
      write(file, content(seed), seed);
      assertThat(Files.readAllBytes(file)).isEqualTo(content(seed));
    }
  }

  @Test
  void theOrderOfPositionsIsFree() throws IOException {
    byte[] content = content(7);
    Path file = dir.resolve("f");
    Files.write(file, new byte[SIZE]);
    int piece = 70_001;
    int pieces = SIZE / piece + 1;
    try (PositionalWriter writer = PositionalWriter.open(file)) {
      for (int i = 0; i < pieces; i++) {
        int at = (i * 37 % pieces) * piece;
        int n = Math.min(piece, SIZE - at);
        byte[] block = new byte[Math.max(0, n)];
        System.arraycopy(content, at, block, 0, block.length);
        writer.write(at, block, block.length);
      }
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
  }

  @Test
  void aFileOfItsOwnHoldsWhatWasWrittenAlone() throws IOException {
    byte[] content = content(9);
    Path file = dir.resolve("f");
    Files.write(file, new byte[2 * SIZE]);
    try (PositionalWriter writer = PositionalWriter.create(file)) {
      for (int at = 0; at < SIZE; at += 1_234_567) {
        writer.write(at, content, at, Math.min(1_234_567, SIZE - at));
      }
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
  }

  @Test
  void whatWasFlushedCanBeRead() throws IOException {
    Path file = dir.resolve("f");
    Files.write(file, new byte[10_000]);
    try (PositionalWriter writer = PositionalWriter.open(file)) {
      writer.write(4000, new byte[] {1, 2, 3}, 3);
      writer.flush();
      assertThat(Files.readAllBytes(file)).containsSubsequence(1, 2, 3);
      writer.write(4003, new byte[] {4}, 1);
    }
    byte[] read = Files.readAllBytes(file);
    assertThat(read).hasSize(10_000);
    assertThat(List.of(read[4000], read[4003], read[4004]))
        .containsExactly((byte) 1, (byte) 4, (byte) 0);
  }

  /** The disk's errors come with a later call, whatever it is, and the last one tells too. */
  @Test
  void anErrorOfTheDiskIsNotLost() throws IOException {
    Path full = Path.of("/dev/full");
    Assumptions.assumeTrue(Files.exists(full), "there is no /dev/full to write to");
    byte[] block = new byte[3 << 20];
    PositionalWriter writer = PositionalWriter.open(full);
    assertThatThrownBy(() -> writer.write(0, block, block.length))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("No space left");
    assertThatThrownBy(writer::flush).isInstanceOf(IOException.class);
    assertThatThrownBy(writer::close).isInstanceOf(IOException.class);

    PositionalWriter small = PositionalWriter.open(full);
    small.write(0, block, 10);
    assertThatThrownBy(small::close).hasMessageContaining("No space left");
  }

  /** Memory has no way past the page cache. */
  @Test
  void aFileSystemWithoutDirectWritesIsWrittenToo() throws IOException {
    Path memory = Path.of("/dev/shm");
    Assumptions.assumeTrue(Files.isWritable(memory), "there is no /dev/shm to write to");
    Path file = Files.createTempFile(memory, "weightloom", ".bin");
    try {
      write(file, content(8), 8);
      assertThat(Files.readAllBytes(file)).isEqualTo(content(8));
    } finally {
      Files.delete(file);
    }
  }
}
