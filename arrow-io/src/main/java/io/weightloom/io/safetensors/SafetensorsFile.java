package io.weightloom.io.safetensors;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.UUID;

/** Writes small safetensors files whole. Stateless. */
public final class SafetensorsFile {
  private SafetensorsFile() {}

  /**
   * Writes a file, or leaves what was there: a temporary sibling is written, forced to disk and
   * renamed.
   *
   * @param metadata the text of {@code __metadata__}; empty for none
   * @param tensors each tensor's bytes, little-endian in C order; borrowed
   * @throws WeightloomException of kind INPUT if the tensors do not fit the format, or the file
   *     cannot be written
   * @throws IllegalArgumentException if a tensor's bytes are not as many as its spec says
   */
  public static void write(
      Path file, Map<String, String> metadata, Map<TensorSpec, byte[]> tensors) {
    SafetensorsLayout layout = SafetensorsLayout.of(tensors.keySet(), metadata);
    Path temporary = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
    try {
      try {
        writeAll(temporary, layout, tensors);
        rename(temporary, file);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw WeightloomException.input(
          "Cannot write %s: %s (see whether the directory is there, may be written and has room)"
              .formatted(file, e));
    }
  }

  private static void writeAll(Path file, SafetensorsLayout layout, Map<TensorSpec, byte[]> tensors)
      throws IOException {
    try (FileChannel out =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      put(out, layout.header());
      for (StoredTensor t : layout.tensors()) {
        byte[] data = tensors.get(t.spec());
        if (data == null || data.length != t.end() - t.begin()) {
          throw new IllegalArgumentException(
              "%s has %d bytes, its spec %d"
                  .formatted(t.spec(), data == null ? 0 : data.length, t.end() - t.begin()));
        }
        put(out, data);
      }
      out.force(true);
    }
  }

  private static void put(FileChannel out, byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
  }

  private static void rename(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
