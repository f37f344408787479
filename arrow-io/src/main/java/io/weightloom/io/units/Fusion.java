package io.weightloom.io.units;

import io.weightloom.io.ByteSource;
import io.weightloom.io.UnitSelection.Merging;
import io.weightloom.io.UnitSelection.Part;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.DType;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * One tensor of which some units are merged into others: their sum or their mean, added up in fp64
 * from the first unit of the base on, and rounded once to the tensor's dtype. A unit of which
 * nothing is merged has the base's bytes. An element does not depend on what is read with it.
 */
final class Fusion implements UnitReader {
  /** Bytes of a row of the base up to which it is read whole. */
  private static final long WHOLE = 1 << 20;

  private final DType dtype;
  private final Merging merging;
  private final long begin;
  private final long baseRow;
  private final long unit;

  /** By place, the units that are there, ascending. */
  private final int[][] members;

  private Fusion(
      StoredTensor base, Part part, List<Integer> order, Map<Integer, List<Integer>> merged) {
    List<Long> dims = base.spec().shape().dims();
    long rows = dims.subList(0, part.dim()).stream().reduce(1L, Math::multiplyExact);
    this.dtype = base.spec().dtype();
    this.merging = part.merging();
    this.begin = base.begin();
    this.baseRow = (base.end() - base.begin()) / Math.max(1, rows);
    this.unit = baseRow / part.units();
    this.members =
        order.stream()
            .map(
                u ->
                    Stream.concat(Stream.of(u), merged.getOrDefault(u, List.of()).stream())
                        .mapToInt(x -> x)
                        .sorted()
                        .toArray())
            .toArray(int[][]::new);
  }

  static Fusion of(
      StoredTensor base, Part part, List<Integer> order, Map<Integer, List<Integer>> merged) {
    Gather.shape(base.spec(), part, order);
    return new Fusion(base, part, order, merged);
  }

  @Override
  public void read(ByteSource base, long position, byte[] dst, int offset, int length) {
    Runs runs = new Runs(base);
    int width = dtype.bytes();
    long end = position + length;
    for (long at = position - position % width; at < end; ) {
      long wanted = Math.min(end - at + width - 1, unit - at % unit) / width * width;
      int n = (int) Math.min(wanted, (long) Arith.CAPACITY * width);
      runs.compute(at, n);
      int skip = (int) Math.max(0, position - at);
      int count = (int) Math.min(n, end - at) - skip;
      System.arraycopy(runs.result, skip, dst, offset + (int) (at + skip - position), count);
      at += n;
    }
  }

  /** Computes runs of elements, each within a unit and a vector. */
  private final class Runs {
    final byte[] result = new byte[Arith.CAPACITY * dtype.bytes()];
    private final ByteSource base;
    private final DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
    private final double[] sum = arith.vector();
    private final double[] next = arith.vector();
    private final byte[] near;
    private long heldRow = -1;

    Runs(ByteSource base) {
      this.base = base;
      this.near = new byte[baseRow <= WHOLE ? (int) baseRow : result.length];
    }

    /** Puts {@code n} bytes from {@code at} on, counted in what stays, into the result. */
    void compute(long at, int n) {
      int[] units = members[(int) (at / unit % members.length)];
      long row = at / unit / members.length;
      if (units.length == 1) {
        System.arraycopy(near, near(row, units[0] * unit + at % unit, n), result, 0, n);
        return;
      }
      int count = n / dtype.bytes();
      arith.decode(dtype, near, near(row, units[0] * unit + at % unit, n), sum, count);
      for (int i = 1; i < units.length; i++) {
        arith.decode(dtype, near, near(row, units[i] * unit + at % unit, n), next, count);
        arith.add(sum, next, sum, count);
      }
      if (merging == Merging.MEAN) {
        arith.divide(sum, units.length, sum, count);
      }
      arith.encode(dtype, sum, count, result, 0);
    }

    /** Where in {@link #near} some bytes of a row of the base are. */
    private int near(long row, long inRow, int n) {
      if (near.length < baseRow) {
        base.readFully(begin + row * baseRow + inRow, near, 0, n);
        return 0;
      }
      if (row != heldRow) {
        base.readFully(begin + row * baseRow, near, 0, near.length);
        heldRow = row;
      }
      return (int) inRow;
    }
  }
}
