package io.weightloom.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/**
 * Positional reads of a file channel. An interrupt of a reading thread closes the channel for all
 * its readers, as the JDK does it.
 */
record LocalByteSource(String path, FileChannel channel, long size) implements ByteSource {
  // The JDK keeps a direct buffer as large as the largest read for each thread.
  private static final int MAX_READ = 1 << 20;

  @Override
  public void readFully(long position, byte[] dst, int offset, int length) {
    Reads.check(this, position, dst, offset, length);
    int done = 0;
    while (done < length) {
      int want = Math.min(MAX_READ, length - done);
      int got;
      try {
        got = channel.read(ByteBuffer.wrap(dst, offset + done, want), position + done);
      } catch (IOException e) {
        throw Reads.failed(path, position, length, e);
      }
      if (got < 0) {
        throw Reads.truncated(path, position, length, position + done);
      }
      done += got;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing was written: there is nothing to lose.
    }
  }
}
