package io.weightloom.io;

import java.io.Closeable;

/**
 * A file of fixed size that is read at positions.
 *
 * <p>Safe for many threads at once; the one who opened it closes it.
 */
public interface ByteSource extends Closeable {

  /** Where the bytes come from, as a user would write it. */
  String path();

  /** The size in bytes, when the source was opened. */
  long size();

  /**
   * Reads bytes {@code position} to {@code position + length} of the file.
   *
   * @param position the first byte in the file
   * @param dst receives the bytes; borrowed for the call
   * @param offset the place of the first byte in {@code dst}
   * @param length how many bytes
   * @throws io.weightloom.error.WeightloomException of kind INPUT if the file ends before, or
   *     cannot be read; the message names the path and the byte range
   */
  void readFully(long position, byte[] dst, int offset, int length);

  /** Closes without a word: an error after the last read takes nothing away. */
  @Override
  void close();
}
