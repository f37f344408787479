package io.weightloom.io;

import java.io.Serializable;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * A tensor's {@link ContentDigest} from ranges that come in any order, are cut anywhere and are
 * seen by several tasks. A chunk of which a task saw a part travels as its bytes until the rest is
 * met, so that neither cuts nor tasks show in the digest. Takes 8 bytes for each chunk of the
 * tensor, and a chunk for each of those that are not whole yet: one or two for a run of bytes. For
 * one thread.
 */
public final class PartialDigest implements Serializable {
  private static final long serialVersionUID = 1;

  private final long bytes;
  private final long[] chunks;
  private final Map<Integer, Fragment> open = new TreeMap<>();
  private int whole;

  /**
   * @param bytes of the tensor
   */
  public PartialDigest(long bytes) {
    this.bytes = bytes;
    this.chunks = new long[Math.toIntExact(-Math.floorDiv(-bytes, ContentDigest.CHUNK_BYTES))];
  }

  /** What was seen of a chunk; zero where nothing was. */
  private static final class Fragment implements Serializable {
    private static final long serialVersionUID = 1;
    private final byte[] data;
    private int seen;

    Fragment(int length) {
      data = new byte[length];
    }
  }

  /**
   * Takes a range in; no byte of the tensor is taken in twice.
   *
   * @param at its first byte in the tensor
   * @param b holds it; borrowed
   */
  public void add(long at, byte[] b, int off, int len) {
    Objects.checkFromIndexSize(off, len, b.length);
    Objects.checkFromIndexSize(at, (long) len, bytes);
    int n;
    for (int done = 0; done < len; done += n) {
      int chunk = Math.toIntExact((at + done) / ContentDigest.CHUNK_BYTES);
      int from = (int) ((at + done) % ContentDigest.CHUNK_BYTES);
      n = Math.min(len - done, length(chunk) - from);
      if (n == length(chunk)) {
        close(chunk, b, off + done);
      } else {
        Fragment fragment = open.computeIfAbsent(chunk, c -> new Fragment(length(c)));
        System.arraycopy(b, off + done, fragment.data, from, n);
        see(chunk, fragment, n);
      }
    }
  }

  private int length(int chunk) {
    return (int)
        Math.min(ContentDigest.CHUNK_BYTES, bytes - (long) chunk * ContentDigest.CHUNK_BYTES);
  }

  private void close(int chunk, byte[] b, int off) {
    chunks[chunk] = ContentDigest.chunk(b, off, length(chunk));
    whole++;
  }

  private void see(int chunk, Fragment fragment, int n) {
    fragment.seen += n;
    if (fragment.seen == length(chunk)) {
      close(chunk, fragment.data, 0);
      open.remove(chunk);
    }
  }

  /**
   * Takes in what another has seen.
   *
   * @param other of other ranges of the same tensor; not used afterwards
   */
  public void merge(PartialDigest other) {
    for (int c = 0; c < chunks.length; c++) {
      chunks[c] |= other.chunks[c];
    }
    whole += other.whole;
    other.open.forEach(
        (chunk, fragment) -> {
          Fragment mine = open.putIfAbsent(chunk, fragment);
          if (mine != null) {
            for (int i = 0; i < mine.data.length; i++) {
              mine.data[i] |= fragment.data[i];
            }
            see(chunk, mine, fragment.seen);
          }
        });
  }

  /**
   * The digest, once all of the tensor has been seen.
   *
   * @param grainBytes the bytes of a grain, a multiple of {@link ContentDigest#CHUNK_BYTES}
   */
  public String tensor(long grainBytes) {
    if (whole != chunks.length) {
      throw new IllegalStateException(whole + " of " + chunks.length + " chunks were seen");
    }
    int perGrain = Math.toIntExact(grainBytes / ContentDigest.CHUNK_BYTES);
    long[] grains = new long[-Math.floorDiv(-chunks.length, perGrain)];
    long[] grain = new long[perGrain];
    for (int g = 0; g < grains.length; g++) {
      int n = Math.min(perGrain, chunks.length - g * perGrain);
      System.arraycopy(chunks, g * perGrain, grain, 0, n);
      grains[g] = ContentDigest.grain(grain, n);
    }
    return ContentDigest.tensor(grains);
  }
}
