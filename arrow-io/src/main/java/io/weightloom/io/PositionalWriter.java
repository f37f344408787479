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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Writes at positions of a file that exists, gathering what follows on each other. Whole pages go
 * to the disk past the page cache where the file system lets them: a model is written once and not
 * read here again, and pages for it would cost more than the disk takes, and drive the inputs out.
 * Where the disk is the slower of the two, the page cache is used.
 *
 * <p>While one buffer is on its way to the disk the next is filled: the thread that computes waits
 * only where the disk is slower than it. An error of the disk is thrown by the next call.
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

  /** Few: threads that write to one file at once spin on its lock. */
  private static final Executor SHARED =
      disk(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));

  /** Files that one writer has to itself; a disk is faster when it has more than one to write. */
  private static final Executor ALONE = disk(Runtime.getRuntime().availableProcessors());

  private static final AtomicLong DIRECT_BYTES = new AtomicLong();
  private static final AtomicLong DIRECT_NANOS = new AtomicLong();

  private final FileChannel cached;
  private final @Nullable FileChannel direct;
  private final Executor disk;
  private CompletableFuture<ByteBuffer> underWay = CompletableFuture.completedFuture(buffer());
  private ByteBuffer gathered = buffer();

  /** The place in the file of the buffer's first byte: the begin of a page. */
  private long at;

  private int begin;
  private int end;

  private PositionalWriter(FileChannel cached, @Nullable FileChannel direct, Executor disk) {
    this.cached = cached;
    this.direct = direct;
    this.disk = disk;
  }

  private static Executor disk(int threads) {
    return Executors.newFixedThreadPool(
        threads,
        task -> {
          Thread thread = new Thread(task, "weightloom-disk");
          thread.setDaemon(true);
          return thread;
        });
  }

  private static ByteBuffer buffer() {
    ByteBuffer idle = IDLE.poll();
    return idle != null ? idle : ByteBuffer.allocateDirect(CAPACITY + PAGE).alignedSlice(PAGE);
  }

  /** Opens a file that is there, and that other writers may write too. */
  public static PositionalWriter open(Path file) throws IOException {
    return open(file, SHARED);
  }

  /** Makes a file, or empties it, that no other writer is to write. */
  public static PositionalWriter create(Path file) throws IOException {
    Files.write(file, new byte[0]);
    return open(file, ALONE);
  }

  private static PositionalWriter open(Path file, Executor disk) throws IOException {
    FileChannel cached = FileChannel.open(file, StandardOpenOption.WRITE);
    try {
      long block = Files.getFileStore(file).getBlockSize();
      return new PositionalWriter(
          cached, block > 0 && PAGE % block == 0 ? direct(file) : null, disk);
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
    write(position, bytes, 0, length);
  }

  /** As above, from {@code offset} on. */
  public void write(long position, byte[] bytes, int offset, int length) throws IOException {
    for (int done = 0; done < length; ) {
      if (at + end != position + done || end == CAPACITY) {
        handOver();
        at = (position + done) / PAGE * PAGE;
        begin = (int) (position + done - at);
        end = begin;
      }
      int n = Math.min(length - done, CAPACITY - end);
      gathered.put(end, bytes, offset + done, n);
      end += n;
      done += n;
    }
  }

  /** Hands all that was gathered to the operating system. */
  public void flush() throws IOException {
    handOver();
    written();
  }

  private void handOver() throws IOException {
    if (begin == end) {
      return;
    }
    ByteBuffer free = written();
    Filled filled = new Filled(gathered, at, begin, end);
    underWay =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                write(filled);
              } catch (IOException e) {
                throw new CompletionException(e);
              }
              return filled.bytes();
            },
            disk);
    gathered = free;
    begin = end;
  }

  /** Waits for the buffer that is under way; an interrupt waits with it, for it takes not long. */
  private ByteBuffer written() throws IOException {
    try {
      return underWay.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IOException io) {
        throw new IOException(io.getMessage(), io);
      }
      throw e;
    }
  }

  /** A buffer and what of it belongs into the file: its first byte at {@code at}. */
  private record Filled(ByteBuffer bytes, long at, int begin, int end) {}

  private void write(Filled f) throws IOException {
    int from = Math.min(f.end(), (f.begin() + PAGE - 1) / PAGE * PAGE);
    int to = Math.max(from, f.end() / PAGE * PAGE);
    FileChannel past = direct;
    if (past == null || from == to) {
      write(cached, f, f.begin(), f.end());
    } else {
      write(cached, f, f.begin(), from);
      long start = System.nanoTime();
      write(past, f, from, to);
      DIRECT_NANOS.addAndGet(System.nanoTime() - start);
      DIRECT_BYTES.addAndGet(to - from);
      write(cached, f, to, f.end());
    }
  }

  private static void write(FileChannel channel, Filled f, int from, int to) throws IOException {
    ByteBuffer bytes = f.bytes().duplicate().limit(to).position(from);
    while (bytes.hasRemaining()) {
      channel.write(bytes, f.at() + bytes.position());
    }
  }

  /** Writes what is left, and closes. */
  @Override
  public void close() throws IOException {
    FileChannel past = direct;
    try (cached;
        past) {
      handOver();
      IDLE.add(written());
    }
    IDLE.add(gathered);
  }
}
