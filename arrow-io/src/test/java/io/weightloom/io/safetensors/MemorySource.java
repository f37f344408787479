package io.weightloom.io.safetensors;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Reads;
import java.util.ArrayList;
import java.util.List;

/** A file in memory that remembers what was read of it. */
final class MemorySource implements ByteSource {
  private final byte[] bytes;
  private final List<String> reads = new ArrayList<>();

  MemorySource(byte[] bytes) {
    this.bytes = bytes;
  }

  @Override
  public String path() {
    return "m.safetensors";
  }

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public void readFully(long position, byte[] dst, int offset, int length) {
    Reads.check(this, position, dst, offset, length);
    reads.add(position + "+" + length);
    System.arraycopy(bytes, (int) position, dst, offset, length);
  }

  @Override
  public void close() {}

  List<String> reads() {
    return reads;
  }
}
