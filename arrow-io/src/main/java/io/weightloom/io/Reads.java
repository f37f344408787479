package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import java.util.Arrays;
import java.util.Objects;

/** What the readers of all storages have in common. Stateless. */
public final class Reads {
  private Reads() {}

  /**
   * Checks a positional read before it is made.
   *
   * @throws IndexOutOfBoundsException if the range is not in {@code dst}
   * @throws WeightloomException if the range is not in the file
   */
  public static void check(ByteSource source, long position, byte[] dst, int offset, int length) {
    Objects.checkFromIndexSize(offset, length, dst.length);
    if (position < 0) {
      throw new IndexOutOfBoundsException("position " + position);
    }
    if (length > source.size() - position) {
      throw truncated(source.path(), position, length, source.size());
    }
  }

  /**
   * Copies what lies of a header in a range of its file.
   *
   * @param header the bytes at the file's begin
   * @return how many were copied, all of them to {@code offset} and behind
   */
  public static int head(byte[] header, long position, byte[] dst, int offset, int length) {
    int count = (int) Math.max(0, Math.min(length, header.length - position));
    if (count > 0) {
      System.arraycopy(header, (int) position, dst, offset, count);
    }
    return count;
  }

  /**
   * The first of the parts of a file that does not end before this byte.
   *
   * @param begins where each part begins, ascending; each ends where the next one begins
   */
  public static int firstBehind(long[] begins, long position) {
    int found = Arrays.binarySearch(begins, position);
    int at = found >= 0 ? found : Math.max(0, -found - 2);
    while (at > 0 && begins[at - 1] == begins[at]) {
      at--;
    }
    return at;
  }

  /** A directory was opened like a file. */
  public static WeightloomException directory(String path) {
    return WeightloomException.input(
        "Cannot open %s: it is a directory (name a file in it)".formatted(path));
  }

  /** The file ends inside of what was asked for. */
  public static WeightloomException truncated(String path, long position, int length, long size) {
    return WeightloomException.input(
        "Cannot read %s of %s: the file ends at byte %d (copy or download it again)"
            .formatted(range(position, length), path, size));
  }

  /** The storage said no. */
  public static WeightloomException failed(String path, long position, int length, Throwable why) {
    return WeightloomException.input(
        "Cannot read %s of %s: %s (see whether the storage is still there)"
            .formatted(range(position, length), path, why));
  }

  private static String range(long position, int length) {
    return "bytes " + position + " to " + (position + length);
  }
}
