package io.weightloom.io;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Writes at positions of a file that exists, gathering what follows on each other. Whole pages go
 * to the disk past the page cache where the file system lets them: a model is written once and not
 * read here again, and pages for it would cost more than the disk takes, and drive the inputs out.
 * Where the disk is the slower of the two, the page cache is used.
 *
 * <p>Belongs to one thread; several writers may write disjoint ranges of one file.
 */
public final class PositionalWriter implements Closeable {
  private static final int PAGE = 4096;
  private static final int CAPACITY = 1 << 20;

  /** Bytes that tell how fast a disk is. */
  private static final long TRIAL = 32L << 20;

  /** Nanoseconds for a byte past which the page cache is the better way: 200 MB a second. */
  private static final double SLOW = 1 / 0.2;

  /** Buffers outlive tasks, which are many and short. */
  private static final Queue<ByteBuffer> IDLE = new ConcurrentLinkedQueue<>();

  private static final AtomicLong DIRECT_BYTES = new AtomicLong();
  private static final AtomicLong DIRECT_NANOS = new AtomicLong();

  private final FileChannel cached;
  private final @Nullable FileChannel direct;
  private final ByteBuffer gathered;

  /** The place in the file of the buffer's first byte: the begin of a page. */
  private long at;

  private int begin;
  private int end;

  private PositionalWriter(FileChannel cached, @Nullable FileChannel direct) {
    this.cached = cached;
    this.direct = direct;
    ByteBuffer idle = IDLE.poll();
    this.gathered =
        idle != null ? idle : ByteBuffer.allocateDirect(CAPACITY + PAGE).alignedSlice(PAGE);
  }

  /** Opens a file that is there. */
  public static PositionalWriter open(Path file) throws IOException {
    FileChannel cached = FileChannel.open(file, StandardOpenOption.WRITE);
    try {
      long block = Files.getFileStore(file).getBlockSize();
      return new PositionalWriter(cached, block > 0 && PAGE % block == 0 ? direct(file) : null);
    } catch (IOException e) {
      cached.close();
      throw e;
    }
  }

  private static @Nullable FileChannel direct(Path file) {
    if (DIRECT_BYTES.get() >= TRIAL && DIRECT_NANOS.get() > SLOW * DIRECT_BYTES.get()) {
      return null;
    }
    try {
      return FileChannel.open(file, StandardOpenOption.WRITE, ExtendedOpenOption.DIRECT);
    } catch (IOException | UnsupportedOperationException e) {
      return null; // As on tmpfs.
    }
  }

  /**
   * Writes bytes, some of which may reach the file only with {@link #flush}.
   *
   * @param position in the file
   * @param bytes borrowed for the call
   * @param length how many of them, from the first
   */
  public void write(long position, byte[] bytes, int length) throws IOException {
    for (int done = 0; done < length; ) {
      if (at + end != position + done || end == CAPACITY) {
        flush();
        at = (position + done) / PAGE * PAGE;
        begin = (int) (position + done - at);
        end = begin;
      }
      int n = Math.min(length - done, CAPACITY - end);
      gathered.put(end, bytes, done, n);
      end += n;
      done += n;
    }
  }

  /** Hands all that was gathered to the operating system. */
  public void flush() throws IOException {
    int from = Math.min(end, (begin + PAGE - 1) / PAGE * PAGE);
    int to = Math.max(from, end / PAGE * PAGE);
    FileChannel past = direct;
    if (past == null || from == to) {
      write(cached, begin, end);
    } else {
      write(cached, begin, from);
      long start = System.nanoTime();
      write(past, from, to);
      DIRECT_NANOS.addAndGet(System.nanoTime() - start);
      DIRECT_BYTES.addAndGet(to - from);
      write(cached, to, end);
    }
    begin = end;
  }

  private void write(FileChannel channel, int from, int to) throws IOException {
    ByteBuffer bytes = gathered.duplicate().limit(to).position(from);
    while (bytes.hasRemaining()) {
      channel.write(bytes, at + bytes.position());
    }
  }

  /** Writes what is left, and closes. */
  @Override
  public void close() throws IOException {
    FileChannel past = direct;
    try (cached;
        past) {
      flush();
    }
    IDLE.add(gathered);
  }
}
