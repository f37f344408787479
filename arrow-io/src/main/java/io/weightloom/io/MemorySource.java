package io.weightloom.io;

/**
 * A small file that is made when it is opened.
 *
 * @param path what to call it in errors
 * @param bytes all of it; borrowed
 */
@SuppressWarnings("ArrayRecordComponent") // Read by place, never compared.
public record MemorySource(String path, byte[] bytes) implements ByteSource {

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public void readFully(long position, byte[] dst, int offset, int length) {
    Reads.check(this, position, dst, offset, length);
    System.arraycopy(bytes, (int) position, dst, offset, length);
  }

  @Override
  public void close() {}
}
