package io.weightloom.io.hadoop;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Reads;
import java.io.EOFException;
import java.io.IOException;
import org.apache.hadoop.fs.FSDataInputStream;

/** Positional reads of one Hadoop stream, whose contract lets many threads make them. */
record HadoopByteSource(String path, FSDataInputStream stream, long size) implements ByteSource {

  @Override
  public void readFully(long position, byte[] dst, int offset, int length) {
    Reads.check(this, position, dst, offset, length);
    try {
      stream.readFully(position, dst, offset, length);
    } catch (EOFException e) {
      throw Reads.truncated(path, position, length, size);
    } catch (IOException e) {
      throw Reads.failed(path, position, length, e);
    }
  }

  @Override
  public void close() {
    try {
      stream.close();
    } catch (IOException e) {
      // Nothing was written: there is nothing to lose.
    }
  }
}
