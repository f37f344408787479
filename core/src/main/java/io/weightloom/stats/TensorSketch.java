package io.weightloom.stats;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Sketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.merge.FloatArith;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * All that one read of a tensor gathers: how often each bit pattern occurs, from which nearly
 * everything follows, and what has a place: extremes, norms of rows, maxima of columns, groups of
 * zeros. For one thread.
 */
public final class TensorSketch implements Sketch<TensorSketch> {
  private static final long serialVersionUID = 1;

  /** Columns beyond this are not told apart; no layer has so many. */
  private static final long MOST_COLUMNS = 1 << 20;

  final TensorSpec tensor;
  final StoredFloat type;
  final CodeHistogram codes;
  final @Nullable WideValues wide;
  final Extremes extremes = new Extremes();
  final ZeroGroups fours;
  final ZeroGroups eights;
  final @Nullable RowNorms rows;
  final @Nullable ColumnMaxima columnMaxima;
  final ExactSum[] powers = new ExactSum[Kernels.POWERS];
  final long[] overflows = new long[FloatFormat.TARGETS.size()];
  final long[] resolvedBeyond = new long[FloatFormat.TARGETS.size()];

  private final BlockCut cut;
  private transient @Nullable Walk<?> walk;

  TensorSketch(TensorSpec tensor, int blockElements) {
    this.tensor = tensor;
    this.type = StoredFloat.of(tensor.dtype());
    this.codes = new CodeHistogram(type);
    this.wide = type.isComplete() ? null : new WideValues();
    this.cut = BlockCut.of(tensor, blockElements);
    boolean hasNegativeZero = type.value(type.sign()) == 0;
    this.fours = new ZeroGroups(tensor.shape(), 4, cut.cutsRows(), hasNegativeZero);
    this.eights = new ZeroGroups(tensor.shape(), 8, cut.cutsRows(), hasNegativeZero);
    boolean isMatrix = tensor.shape().rank() >= 2;
    this.rows = isMatrix ? new RowNorms(cut.rows()) : null;
    this.columnMaxima =
        isMatrix && cut.columns() <= MOST_COLUMNS ? new ColumnMaxima((int) cut.columns()) : null;
    Arrays.fill(powers, ExactSum.ZERO);
  }

  @Override
  public void add(AlignedBlock block) {
    byte[] data = block.data()[0];
    int n = block.count();
    long zerosBefore = zeros();
    if (wide == null) {
      codes.add(data, n);
    } else {
      wide.add(type, data, n, codes);
    }
    long offset = block.place().offset();
    if (zeros() == zerosBefore) {
      fours.addDense(offset, n);
      eights.addDense(offset, n);
    } else {
      fours.add(data, type.bytes(), offset, n);
      eights.add(data, type.bytes(), offset, n);
    }
    walk().see(block.place(), data);
  }

  private Walk<?> walk() {
    Walk<?> open = walk;
    if (open == null) {
      Kernels kernels = KernelRegistry.get().kernels();
      open =
          type == StoredFloat.F64
              ? new Walk<>(new DoubleArith(kernels))
              : new Walk<>(FloatArith.accurate(kernels, true));
      walk = open;
    }
    return open;
  }

  long zeros() {
    long tinies = wide == null ? 0 : wide.positiveTinies + wide.negativeTinies;
    return zerosOf(0) + zerosOf(type.sign()) - tinies;
  }

  /** How often a code occurs, if it is a zero. */
  long zerosOf(int code) {
    return type.value(code) == 0 ? codes.count(code) : 0;
  }

  @Override
  public void merge(TensorSketch other) {
    codes.merge(other.codes);
    if (wide != null && other.wide != null) {
      wide.merge(other.wide);
    }
    extremes.merge(other.extremes);
    fours.merge(other.fours);
    eights.merge(other.eights);
    if (rows != null && other.rows != null) {
      rows.merge(other.rows);
    }
    if (columnMaxima != null && other.columnMaxima != null) {
      columnMaxima.merge(other.columnMaxima);
    }
    for (int p = 0; p < powers.length; p++) {
      powers[p] = powers[p].plus(other.powers[p]);
    }
    for (int f = 0; f < overflows.length; f++) {
      overflows[f] += other.overflows[f];
      resolvedBeyond[f] += other.resolvedBeyond[f];
    }
  }

  /** Looks at the values of blocks, row by row. */
  private final class Walk<V> {
    private final Arith<V> arith;
    private final V values;
    private final double[] doubles = new double[Arith.CAPACITY];
    private final double[] lanes = new double[Kernels.LANES];
    private final double[] sums = new double[Kernels.POWERS * Kernels.LANES];
    private final double[] bounds = new double[2];
    private int minChunk;
    private int maxChunk;

    Walk(Arith<V> arith) {
      this.arith = arith;
      this.values = arith.vector();
    }

    void see(BlockCut.Block place, byte[] data) {
      bounds[0] = Double.POSITIVE_INFINITY;
      bounds[1] = Double.NEGATIVE_INFINITY;
      Arrays.fill(sums, 0);
      int n = Math.toIntExact(place.count());
      if (rows == null) {
        seeRow(data, 0, n, -1);
      } else if (cut.cutsRows()) {
        rows.addPart(place.rowBegin(), seeRow(data, 0, n, (int) (place.offset() % cut.columns())));
      } else {
        int columns = Math.toIntExact(cut.columns());
        double[] squares = new double[Math.toIntExact(place.rowEnd() - place.rowBegin())];
        for (int r = 0; r < squares.length; r++) {
          squares[r] = seeRow(data, r * columns, columns, 0);
        }
        rows.add(place, squares);
      }
      conclude(place, data, n);
    }

    /** Sees the elements of one row; gives Σx². */
    private double seeRow(byte[] data, int begin, int count, int column) {
      Arrays.fill(lanes, 0);
      for (int at = 0; at < count; at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, count - at);
        decode(data, begin + at, n);
        double low = bounds[0];
        double high = bounds[1];
        if (arith.firstNonFinite(values, n) < 0) {
          arith.range(values, bounds, n);
        } else {
          silenceNonFinite(n);
        }
        minChunk = Double.compare(bounds[0], low) < 0 ? begin + at : minChunk;
        maxChunk = Double.compare(bounds[1], high) > 0 ? begin + at : maxChunk;
        if (column >= 0) {
          arith.dot(values, values, lanes, n);
          seeColumns(column + at, n);
        }
        if (wide != null) {
          arith.sumPowers(values, sums, n);
        }
      }
      return Arrays.stream(lanes).sum();
    }

    private void decode(byte[] data, int first, int n) {
      if (type.bits() >= 16) {
        arith.decode(type.dtype(), data, first * type.bytes(), values, n);
      } else {
        for (int i = 0; i < n; i++) {
          doubles[i] = type.value(data[first + i] & 0xff);
        }
        arith.narrow(doubles, values, n);
      }
    }

    /** Makes zeros of NaNs and infinities, which add nothing to sums. */
    private void silenceNonFinite(int n) {
      arith.widen(values, doubles, 0, n);
      for (int i = 0; i < n; i++) {
        double x = doubles[i];
        if (Double.isFinite(x)) {
          bounds[0] = Math.min(bounds[0], x);
          bounds[1] = Math.max(bounds[1], x);
        } else {
          doubles[i] = 0;
        }
      }
      arith.narrow(doubles, values, n);
    }

    private void seeColumns(int column, int n) {
      ColumnMaxima maxima = columnMaxima;
      if (maxima == null) {
        return;
      }
      if (values instanceof float[] x) {
        maxima.add(column, x, n);
      } else {
        for (int i = 0; i < n; i++) {
          maxima.add(column + i, arith.at(values, i));
        }
      }
    }

    private void conclude(BlockCut.Block place, byte[] data, int n) {
      if (extremes.isWidenedBy(bounds)) {
        find(bounds[0], data, minChunk, n, place.offset());
        find(bounds[1], data, maxChunk, n, place.offset());
      }
      if (wide != null) {
        for (int p = 0; p < powers.length; p++) {
          double sum = 0;
          for (int lane = 0; lane < Kernels.LANES; lane++) {
            sum += sums[p * Kernels.LANES + lane];
          }
          powers[p] = powers[p].plus(ExactSum.of(sum));
        }
        countOverflows(data, n);
      }
    }

    private void find(double x, byte[] data, int from, int to, long offset) {
      for (int i = from; i < to; i++) {
        if (Double.compare(valueAt(data, i), x) == 0) {
          extremes.see(x, offset + i);
          return;
        }
      }
    }

    /** Few blocks have values beyond a narrow format. */
    private void countOverflows(byte[] data, int n) {
      double greatest = Math.max(-bounds[0], bounds[1]);
      for (int f = 0; f < overflows.length; f++) {
        FloatFormat format = FloatFormat.TARGETS.get(f);
        if (greatest > format.max()) {
          for (int i = 0; i < n; i++) {
            double x = valueAt(data, i);
            if (Double.isFinite(x) && Math.abs(x) > format.max()) {
              overflows[f] += format.overflows(x) ? 1 : 0;
              resolvedBeyond[f] += isResolvedBeyond(format, x) ? 1 : 0;
            }
          }
        }
      }
    }

    /** Whether a value above the greatest looks like one of the format by exponent and bits. */
    private boolean isResolvedBeyond(FloatFormat format, double x) {
      int exponent = Math.getExponent(x);
      double units = Math.scalb(x, format.precision() - 1 - exponent);
      return exponent == Math.getExponent(format.max()) && units == Math.rint(units);
    }

    private double valueAt(byte[] data, int i) {
      return type.bits() >= 16
          ? new BlockData(type.dtype(), data, 0, data.length / type.bytes() * type.bytes()).at(i)
          : type.value(data[i] & 0xff);
    }
  }

  /** Whether statistics know the values of a type. */
  public static boolean knows(DType dtype) {
    return StoredFloat.has(dtype);
  }
}
