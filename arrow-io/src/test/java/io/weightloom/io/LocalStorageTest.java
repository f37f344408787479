package io.weightloom.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalStorageTest {
  @SuppressWarnings("NullAway.Init")
  @TempDir
  Path dir;

  @Test
  void plainPathsAndFileUrisAreLocal() {
    assertThat(List.of("/a/b", "a/b", "org/name@main", "file:/a", "file:///a", "C:/models"))
        .allMatch(p -> Storage.of(p) instanceof LocalStorage);
    assertThat(LocalStorage.toPath("file:///a%20b")).isEqualTo(Path.of("/a b"));
  }

  @Test
  void readsOfManyMebibytesArriveWhole() throws Exception {
    byte[] bytes = new byte[(3 << 20) + 5];
    new Random(1).nextBytes(bytes);
    Path file = Files.write(dir.resolve("b"), bytes);

    try (ByteSource source = Storage.of(file.toString()).open(file.toString())) {
      byte[] dst = new byte[bytes.length];
      source.readFully(3, dst, 2, bytes.length - 3);
      assertThat(java.util.Arrays.equals(bytes, 3, bytes.length, dst, 2, bytes.length - 1))
          .isTrue();
      assertThat(source.size()).isEqualTo(bytes.length);
      assertThat(source.path()).isEqualTo(file.toString());
    }
  }

  @Test
  void truncatedReadsNamePathAndRange() throws Exception {
    Path file = Files.write(dir.resolve("b"), new byte[10]);

    try (ByteSource source = Storage.of(file.toString()).open(file.toString())) {
      assertThatThrownBy(() -> source.readFully(8, new byte[4], 0, 4))
          .isInstanceOf(WeightloomException.class)
          .hasMessage(
              "Cannot read bytes 8 to 12 of %s: the file ends at byte 10 (copy or download it again)",
              file);
      Files.write(file, new byte[9]);
      assertThatThrownBy(() -> source.readFully(8, new byte[2], 0, 2))
          .as("the file shrank while it was open")
          .hasMessage(
              "Cannot read bytes 8 to 10 of %s: the file ends at byte 9 (copy or download it again)",
              file);
      assertThatThrownBy(() -> source.readFully(0, new byte[2], 1, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void closedFilesCannotBeRead() throws Exception {
    Path file = Files.write(dir.resolve("b"), new byte[10]);
    ByteSource source = Storage.of(file.toString()).open(file.toString());
    source.close();

    assertThatThrownBy(() -> source.readFully(0, new byte[1], 0, 1))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith(
            "Cannot read bytes 0 to 1 of " + file + ": java.nio.channels.Closed");
  }

  @Test
  void namesAreSorted() throws Exception {
    for (String name : List.of("b", "a", "c10", "c9")) {
      Files.writeString(dir.resolve(name), "");
    }

    assertThat(Storage.of(dir.toString()).list(dir.toString()))
        .containsExactly("a", "b", "c10", "c9");
  }

  @Test
  void wrongPathsAreInputErrors() {
    Storage local = Storage.of(dir.toString());

    assertThatThrownBy(() -> local.open(dir + "/x"))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot open %s/x: there is no such file (see whether the path is right and may be read)",
            dir);
    assertThatThrownBy(() -> local.open(dir.toString()))
        .hasMessage("Cannot open %s: it is a directory (name a file in it)", dir);
    assertThatThrownBy(() -> local.list(dir + "/x"))
        .hasMessageStartingWith("Cannot list " + dir + "/x: there is no such file");
    assertThatThrownBy(() -> local.exists("a\0b"))
        .hasMessageContaining("it is no path, Nul character not allowed");
  }

  @Test
  void wholeFilesHaveALimit() throws Exception {
    Path file = Files.writeString(dir.resolve("b"), "text");
    Storage local = Storage.of(dir.toString());

    assertThat(local.readAll(file.toString(), 4))
        .isEqualTo("text".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() -> local.readAll(file.toString(), 3))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith(
            "Cannot read " + file + ": it has 4 bytes, more than the 3 that such a file may have");
  }

  @Test
  void resolvedPathsHaveOneSlash() {
    Storage local = Storage.of("/a");

    assertThat(local.resolve("/a", "b")).isEqualTo("/a/b");
    assertThat(local.resolve("/a/", "b")).isEqualTo("/a/b");
  }
}
