package io.weightloom.io;

import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import java.util.function.Function;

/**
 * A weights file that is made of a stored one when it is read: a header of its own, and tensors
 * whose bytes a subclass knows how to make. Thread-safe, if {@link #read} is.
 */
public abstract class VirtualSource implements ByteSource {
  private final String path;
  private final ByteSource stored;
  private final SafetensorsLayout layout;
  private final long[] begins;

  /**
   * @param path what to call it in errors
   * @param stored what it is made of; closed with this source
   * @param layout the file that is shown
   */
  protected VirtualSource(String path, ByteSource stored, SafetensorsLayout layout) {
    this.path = path;
    this.stored = stored;
    this.layout = layout;
    this.begins = layout.tensors().stream().mapToLong(StoredTensor::begin).toArray();
  }

  /**
   * Makes a source of a file.
   *
   * @param stored the file; closed if the source cannot be made
   * @param source the source by the file's header
   */
  protected static <S extends VirtualSource> S over(
      ByteSource stored, Function<SafetensorsHeader, S> source) {
    try {
      return source.apply(SafetensorsHeader.read(stored, Profile.REFERENCE));
    } catch (RuntimeException e) {
      stored.close();
      throw e;
    }
  }

  /**
   * Makes bytes of a tensor.
   *
   * @param index its place among the tensors of the layout
   * @param position the first byte in the tensor
   * @param dst receives the bytes; borrowed for the call
   * @param offset the place of the first byte in {@code dst}
   * @param length how many bytes, 1 or more
   */
  protected abstract void read(int index, long position, byte[] dst, int offset, int length);

  @Override
  public final String path() {
    return path;
  }

  @Override
  public final long size() {
    return layout.fileSize();
  }

  @Override
  public final void readFully(long position, byte[] dst, int offset, int length) {
    Reads.check(this, position, dst, offset, length);
    int done = Reads.head(layout.header(), position, dst, offset, length);
    for (int at = done == length ? begins.length : Reads.firstBehind(begins, position + done);
        at < begins.length && begins[at] < position + length;
        at++) {
      StoredTensor tensor = layout.tensors().get(at);
      long from = Math.max(position, tensor.begin());
      int count = (int) (Math.min(position + length, tensor.end()) - from);
      if (count > 0) {
        read(at, from - tensor.begin(), dst, offset + (int) (from - position), count);
      }
    }
  }

  @Override
  public void close() {
    stored.close();
  }
}
