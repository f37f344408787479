package io.weightloom.io.units;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.UnitSelection.Merging;
import io.weightloom.io.UnitSelection.Part;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One tensor of which some units stay. It is seen as rows, all dimensions before that of the units
 * together; a row is cut into units, and units that stood one after the other and still do are a
 * run.
 */
final class Gather implements UnitReader {
  /** The most bytes between two runs that are read along instead of apart. */
  private static final long GAP = 64 << 10;

  /** Bytes that are read at once, unless a row or a run has more. */
  private static final long WINDOW = 1 << 20;

  private final long begin;
  private final long baseRow;
  private final long row;
  private final long gap;
  private final long window;

  /** Where each run begins in a row of the base, and in a row of ours with the row's end. */
  private final long[] from;

  private final long[] to;

  private Gather(StoredTensor base, Part part, List<Integer> order) {
    List<Long> dims = base.spec().shape().dims();
    long rows = dims.subList(0, part.dim()).stream().reduce(1L, Math::multiplyExact);
    this.begin = base.begin();
    this.baseRow = (base.end() - base.begin()) / Math.max(1, rows);
    long unit = baseRow / part.units();
    this.row = unit * order.size();
    this.gap = rows > 1 ? Math.max(GAP, baseRow) : GAP;
    this.window = Math.max(WINDOW, 2 * gap);
    List<Long> begins = new ArrayList<>();
    List<Long> places = new ArrayList<>();
    for (int i = 0; i < order.size(); i++) {
      if (i == 0 || order.get(i) != order.get(i - 1) + 1) {
        begins.add(order.get(i) * unit);
        places.add(i * unit);
      }
    }
    places.add(row);
    this.from = begins.stream().mapToLong(x -> x).toArray();
    this.to = places.stream().mapToLong(x -> x).toArray();
  }

  static Gather of(StoredTensor base, Part part, List<Integer> order) {
    shape(base.spec(), part, order);
    return new Gather(base, part, order);
  }

  /**
   * The shape of what stays.
   *
   * @throws WeightloomException if the tensor has other units
   */
  static Shape shape(TensorSpec base, Part part, List<Integer> order) {
    List<Long> dims = new ArrayList<>(base.shape().dims());
    if (part.dim() >= dims.size()
        || dims.get(part.dim()) % part.units() != 0
        || base.dtype().bits() % 8 != 0
        || (part.merging() != Merging.NONE && !base.dtype().isComputed())) {
      throw WeightloomException.input(
          "Cannot choose units of %s: %s of %s has no %d whole units along dimension %d (make the units again of the model as it is now)"
              .formatted(base.name(), base.dtype(), base.shape(), part.units(), part.dim()));
    }
    dims.set(part.dim(), dims.get(part.dim()) / part.units() * order.size());
    return new Shape(dims);
  }

  /** Where one reads, run by run. */
  private final class Cursor {
    private long atRow;
    private int run;
    private long done;

    Cursor(long position) {
      atRow = position / row;
      long inRow = position % row;
      int found = Arrays.binarySearch(to, inRow);
      run = found >= 0 ? found : -found - 2;
      done = inRow - to[run];
    }

    Cursor(Cursor other) {
      atRow = other.atRow;
      run = other.run;
      done = other.done;
    }

    /** In the base's tensor. */
    long source() {
      return atRow * baseRow + from[run] + done;
    }

    int length(int most) {
      return (int) Math.min(most, to[run + 1] - to[run] - done);
    }

    void advance(int bytes) {
      done += bytes;
      if (done == to[run + 1] - to[run]) {
        done = 0;
        run++;
        if (run == from.length) {
          run = 0;
          atRow++;
        }
      }
    }
  }

  @Override
  public void read(ByteSource base, long position, byte[] dst, int offset, int length) {
    Cursor cursor = new Cursor(position);
    for (int done = 0; done < length; ) {
      done += readWindow(base, cursor, dst, offset + done, length - done);
    }
  }

  /** Reads runs that lie near each other at once; gives how many bytes they were. */
  private int readWindow(ByteSource base, Cursor cursor, byte[] dst, int offset, int most) {
    Cursor first = new Cursor(cursor);
    long low = cursor.source();
    long high = low;
    long next = low;
    boolean consecutive = true;
    int bytes = 0;
    while (bytes < most) {
      long at = cursor.source();
      int n = cursor.length(most - bytes);
      boolean follows = consecutive && at == next;
      long newLow = Math.min(low, at);
      long newHigh = Math.max(high, at + n);
      if (!follows && (newHigh - newLow > window || newHigh - newLow > high - low + n + gap)) {
        break;
      }
      consecutive = follows;
      low = newLow;
      high = newHigh;
      next = at + n;
      bytes += n;
      cursor.advance(n);
    }
    if (consecutive) {
      base.readFully(begin + low, dst, offset, bytes);
      return bytes;
    }
    byte[] near = new byte[Math.toIntExact(high - low)];
    base.readFully(begin + low, near, 0, near.length);
    for (int done = 0; done < bytes; ) {
      int n = first.length(bytes - done);
      System.arraycopy(near, (int) (first.source() - low), dst, offset + done, n);
      first.advance(n);
      done += n;
    }
    return bytes;
  }
}
