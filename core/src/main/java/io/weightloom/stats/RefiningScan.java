package io.weightloom.stats;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.tensor.TensorSpec;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Another read of F32 and F64 tensors, which finds the next 16 bits of their quantiles and, the
 * mean being known, central moments and outliers without cancellation. F32 needs one such read, F64
 * three.
 */
public final class RefiningScan implements Scan<RefiningScan.Refinement, Reading> {
  private static final long serialVersionUID = 1;

  private final Map<String, Reading> readings;
  private final int blockElements;

  /**
   * @param readings by the tensor's name
   */
  public RefiningScan(Map<String, Reading> readings) {
    this(readings, TensorScan.BLOCK_ELEMENTS);
  }

  RefiningScan(Map<String, Reading> readings, int blockElements) {
    this.readings = Map.copyOf(readings);
    this.blockElements = blockElements;
  }

  private Reading reading(List<TensorSpec> tensors) {
    Reading reading = readings.get(tensors.get(0).name());
    if (reading == null) {
      throw new IllegalArgumentException(tensors.get(0).name() + " was not read before");
    }
    return reading;
  }

  @Override
  public Refinement open(List<TensorSpec> tensors) {
    return new Refinement(reading(tensors));
  }

  @Override
  public Reading conclude(List<TensorSpec> tensors, Refinement sketch) {
    return sketch.conclude(reading(tensors));
  }

  @Override
  public int blockElements() {
    return blockElements;
  }

  /** Counts of next bits, sums of powers of distances from the mean. For one thread. */
  public static final class Refinement implements Sketch<Refinement> {
    private static final long serialVersionUID = 1;

    private static final VarHandle INTS =
        MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONGS =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int POWERS = 4;
    private static final int[] NONE = new int[0];

    private final StoredFloat type;
    private final double mean;
    private final double[] far;
    private final double[] near;
    private final List<OrderStatistic> distinct = new ArrayList<>();
    private final List<long[]> counts = new ArrayList<>();
    private final ExactSum[] sums = new ExactSum[POWERS];
    private final long[] outliers;
    private final long[] nearZeros;

    private transient int @Nullable [][] byCode;

    Refinement(Reading reading) {
      TensorStats stats = reading.stats();
      this.type = StoredFloat.of(stats.tensor().dtype());
      this.mean = stats.moments().mean();
      double deviation = Math.sqrt(stats.moments().variance());
      this.far = TensorStats.OUTLIER_SIGMAS.stream().mapToDouble(s -> s * deviation).toArray();
      this.near =
          TensorStats.NEAR_ZERO.stream().mapToDouble(share -> share * stats.rms()).toArray();
      this.outliers = new long[far.length];
      this.nearZeros = new long[near.length];
      for (OrderStatistic wanted : reading.pending()) {
        if (distinct.stream().noneMatch(wanted::sharesWith)) {
          distinct.add(wanted);
          counts.add(new long[1 << StoredFloat.CODE_BITS]);
        }
      }
      Arrays.fill(sums, ExactSum.ZERO);
    }

    /** By the upper 16 bits of an element, the counts that it may belong to. */
    private int[][] slots() {
      int[][] slots = byCode;
      if (slots == null) {
        slots = new int[1 << StoredFloat.CODE_BITS][];
        Arrays.fill(slots, NONE);
        for (int i = 0; i < distinct.size(); i++) {
          OrderStatistic wanted = distinct.get(i);
          int code = (int) (wanted.prefix() >>> (wanted.knownBits() - StoredFloat.CODE_BITS));
          addTo(slots, code, i);
          if (wanted.ofMagnitudes()) {
            addTo(slots, code | type.sign(), i);
          }
        }
        byCode = slots;
      }
      return slots;
    }

    private static void addTo(int[][] slots, int code, int slot) {
      int[] before = slots[code];
      slots[code] = Arrays.copyOf(before, before.length + 1);
      slots[code][before.length] = slot;
    }

    @Override
    public void add(AlignedBlock block) {
      byte[] data = block.data()[0];
      int[][] slots = slots();
      double[] powers = new double[POWERS];
      boolean isFloat = type == StoredFloat.F32;
      for (int i = 0; i < block.count(); i++) {
        long bits = isFloat ? (int) INTS.get(data, 4 * i) : (long) LONGS.get(data, 8 * i);
        double x = isFloat ? Float.intBitsToFloat((int) bits) : Double.longBitsToDouble(bits);
        if (Double.isFinite(x)) {
          int[] found = slots[(int) (bits >>> (type.bits() - StoredFloat.CODE_BITS)) & 0xffff];
          if (found.length > 0) {
            count(found, bits);
          }
          double d = x - mean;
          double square = d * d;
          powers[0] += d;
          powers[1] += square;
          powers[2] += square * d;
          powers[3] += square * square;
          if (Math.abs(d) > far[0]) {
            seeOutlier(Math.abs(d));
          }
          if (Math.abs(x) <= near[near.length - 1]) {
            seeNearZero(Math.abs(x));
          }
        }
      }
      for (int p = 0; p < POWERS; p++) {
        sums[p] = sums[p].plus(ExactSum.of(powers[p]));
      }
    }

    private void count(int[] found, long bits) {
      for (int slot : found) {
        OrderStatistic wanted = distinct.get(slot);
        int shift = type.bits() - wanted.knownBits();
        long sign = 1L << (type.bits() - 1);
        long masked = wanted.ofMagnitudes() ? bits & ~sign : bits;
        long all = type.bits() == 64 ? masked : masked & 0xffffffffL;
        if (all >>> shift == wanted.prefix()) {
          counts.get(slot)[(int) (all >>> (shift - StoredFloat.CODE_BITS)) & 0xffff]++;
        }
      }
    }

    private void seeOutlier(double distance) {
      for (int s = 0; s < far.length; s++) {
        outliers[s] += distance > far[s] ? 1 : 0;
      }
    }

    private void seeNearZero(double magnitude) {
      for (int s = 0; s < near.length; s++) {
        nearZeros[s] += magnitude <= near[s] ? 1 : 0;
      }
    }

    @Override
    public void merge(Refinement other) {
      for (int slot = 0; slot < counts.size(); slot++) {
        long[] mine = counts.get(slot);
        long[] others = other.counts.get(slot);
        for (int i = 0; i < mine.length; i++) {
          mine[i] += others[i];
        }
      }
      for (int p = 0; p < POWERS; p++) {
        sums[p] = sums[p].plus(other.sums[p]);
      }
      for (int s = 0; s < outliers.length; s++) {
        outliers[s] += other.outliers[s];
      }
      for (int s = 0; s < nearZeros.length; s++) {
        nearZeros[s] += other.nearZeros[s];
      }
    }

    Reading conclude(Reading before) {
      List<Double> quantiles = new ArrayList<>(before.stats().quantiles());
      List<Double> magnitudes = new ArrayList<>(before.stats().magnitudeQuantiles());
      List<OrderStatistic> pending = new ArrayList<>();
      for (OrderStatistic wanted : before.pending()) {
        int slot = 0;
        while (!distinct.get(slot).sharesWith(wanted)) {
          slot++;
        }
        OrderStatistic next = wanted.next(counts.get(slot));
        if (next.knownBits() < type.bits()) {
          pending.add(next);
        } else {
          (next.ofMagnitudes() ? magnitudes : quantiles).set(next.index(), next.value(type));
        }
      }
      return new Reading(
          before
              .stats()
              .with(moments(before), quantiles, magnitudes, boxed(outliers), boxed(nearZeros)),
          pending);
    }

    private Moments moments(Reading before) {
      double[] raw = Arrays.stream(sums).mapToDouble(ExactSum::value).toArray();
      return Moments.ofPowers(before.stats().counts().finite(), raw[0], raw[1], raw[2], raw[3])
          .shifted(mean);
    }

    private static List<Long> boxed(long[] counts) {
      return Arrays.stream(counts).boxed().toList();
    }
  }
}
