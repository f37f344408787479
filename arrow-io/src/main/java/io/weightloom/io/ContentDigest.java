package io.weightloom.io;

import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import net.openhft.hashing.LongHashFunction;
import net.openhft.hashing.LongTupleHashFunction;

/**
 * XXH3 digests of tensor data by grain, so that tasks can digest parts of a tensor on their own.
 *
 * <p>A tensor is cut into grains of so many bytes, a grain into chunks of 64 KiB; the last of each
 * may be shorter. A chunk's digest is XXH3-64 of its bytes; a grain's is XXH3-64 of its chunks'
 * digests, little-endian and in order; the tensor's is XXH3-128 of its grains' digests, likewise.
 * All seeds are 0.
 */
public final class ContentDigest {
  /** The bytes of a chunk. */
  public static final int CHUNK_BYTES = 65536;

  private static final LongHashFunction XXH3_64 = LongHashFunction.xx3();
  private static final LongTupleHashFunction XXH3_128 = LongTupleHashFunction.xx128();
  private static final boolean LITTLE_ENDIAN =
      ByteOrder.nativeOrder().equals(ByteOrder.LITTLE_ENDIAN);

  private ContentDigest() {}

  /** XXH3-64 of bytes; allocates nothing. */
  public static long chunk(byte[] b, int off, int len) {
    return XXH3_64.hashBytes(b, off, len);
  }

  /**
   * The digest of a grain.
   *
   * @param chunkDigests the digests of its chunks; borrowed
   * @param count how many of them, from the first
   */
  public static long grain(long[] chunkDigests, int count) {
    return LITTLE_ENDIAN
        ? XXH3_64.hashLongs(chunkDigests, 0, count)
        : XXH3_64.hashLongs(swapped(chunkDigests, count));
  }

  /** The digest of a tensor: 32 hexadecimal digits, the high word first. */
  public static String tensor(long[] grainDigests) {
    long[] ordered = LITTLE_ENDIAN ? grainDigests : swapped(grainDigests, grainDigests.length);
    long[] lowAndHigh = XXH3_128.hashLongs(ordered);
    HexFormat hex = HexFormat.of();
    return hex.toHexDigits(lowAndHigh[1]) + hex.toHexDigits(lowAndHigh[0]);
  }

  private static long[] swapped(long[] words, int count) {
    long[] out = new long[count];
    for (int i = 0; i < count; i++) {
      out[i] = Long.reverseBytes(words[i]);
    }
    return out;
  }

  /**
   * Digests the bytes of a tensor's range as they come by; the range begins at a grain's begin. The
   * result does not depend on how the bytes are cut into updates. For one thread.
   */
  public static final class Accumulator {
    private final int chunksPerGrain;
    private final byte[] part = new byte[CHUNK_BYTES];
    private int partLength;
    private long[] chunks = new long[16];
    private int chunkCount;
    private long[] grains = new long[4];
    private int grainCount;
    private boolean finished;

    /**
     * @param grainBytes the bytes of a grain, a multiple of {@link #CHUNK_BYTES}
     */
    public Accumulator(long grainBytes) {
      if (grainBytes <= 0 || grainBytes % CHUNK_BYTES != 0) {
        throw new IllegalArgumentException(
            "a grain of " + grainBytes + " bytes is not a multiple of " + CHUNK_BYTES);
      }
      chunksPerGrain = Math.toIntExact(grainBytes / CHUNK_BYTES);
    }

    /** Takes the next bytes; borrowed for the call. */
    public void update(byte[] b, int off, int len) {
      Objects.checkFromIndexSize(off, len, b.length);
      if (finished) {
        throw new IllegalStateException("the digest is finished");
      }
      int at = off;
      int end = off + len;
      while (at < end) {
        int n = Math.min(CHUNK_BYTES - partLength, end - at);
        if (n == CHUNK_BYTES) {
          add(chunk(b, at, n));
        } else {
          System.arraycopy(b, at, part, partLength, n);
          partLength += n;
          flushPart(CHUNK_BYTES);
        }
        at += n;
      }
    }

    /** Finishes; the digests of the grains, given to the caller. */
    public long[] grains() {
      if (!finished) {
        flushPart(1);
        flushGrain(1);
        finished = true;
      }
      return Arrays.copyOf(grains, grainCount);
    }

    private void add(long chunkDigest) {
      if (chunkCount == chunks.length) {
        chunks = Arrays.copyOf(chunks, chunks.length * 2);
      }
      chunks[chunkCount++] = chunkDigest;
      flushGrain(chunksPerGrain);
    }

    private void flushPart(int atLeast) {
      if (partLength >= atLeast) {
        int length = partLength;
        partLength = 0;
        add(chunk(part, 0, length));
      }
    }

    private void flushGrain(int atLeast) {
      if (chunkCount >= atLeast) {
        if (grainCount == grains.length) {
          grains = Arrays.copyOf(grains, grains.length * 2);
        }
        grains[grainCount++] = grain(chunks, chunkCount);
        chunkCount = 0;
      }
    }
  }
}
