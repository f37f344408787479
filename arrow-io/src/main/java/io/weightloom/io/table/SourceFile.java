package io.weightloom.io.table;

import io.weightloom.io.ByteSource;
import java.io.InputStream;
import org.apache.parquet.io.DelegatingSeekableInputStream;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.SeekableInputStream;

/**
 * A file of any storage as Parquet reads it.
 *
 * @param source the file; borrowed
 */
record SourceFile(ByteSource source) implements InputFile {
  @Override
  public long getLength() {
    return source.size();
  }

  @Override
  public SeekableInputStream newStream() {
    Positioned positioned = new Positioned(source);
    return new DelegatingSeekableInputStream(positioned) {
      @Override
      public long getPos() {
        return positioned.position;
      }

      @Override
      public void seek(long newPos) {
        positioned.position = newPos;
      }
    };
  }

  /** Reads ahead, for indexes are read byte by byte and lie side by side. For one thread. */
  private static final class Positioned extends InputStream {
    private static final int AHEAD = 64 << 10;

    private final ByteSource source;
    private final byte[] buffer = new byte[AHEAD];
    private long bufferBegin;
    private int buffered;
    private long position;

    Positioned(ByteSource source) {
      this.source = source;
    }

    @Override
    public int read() {
      if (position >= source.size()) {
        return -1;
      }
      if (!isBuffered()) {
        fill();
      }
      return buffer[(int) (position++ - bufferBegin)] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      long left = source.size() - position;
      if (length > 0 && left <= 0) {
        return -1;
      }
      int n = (int) Math.min(length, left);
      if (n > AHEAD / 2) {
        source.readFully(position, into, offset, n);
      } else {
        if (!isBuffered()) {
          fill();
        }
        n = Math.min(n, (int) (bufferBegin + buffered - position));
        System.arraycopy(buffer, (int) (position - bufferBegin), into, offset, n);
      }
      position += n;
      return n;
    }

    private boolean isBuffered() {
      return position >= bufferBegin && position < bufferBegin + buffered;
    }

    private void fill() {
      buffered = (int) Math.min(AHEAD, source.size() - position);
      bufferBegin = position;
      source.readFully(position, buffer, 0, buffered);
    }
  }
}
