package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Stores of fp64 results round once, not by way of fp32. */
class DoubleArithTest {

  /** Halfway cases of the 16-bit types and their nearest fp64 neighbours, and random values. */
  private static List<Double> values(int bits, int minExponent, int maxExponent) {
    Random random = new Random(5);
    List<Double> values = new ArrayList<>(List.of(0.0, -0.0, 1e-300, -1e-300, 1e300, -1e300));
    for (int i = 0; i < 20_000; i++) {
      int exponent = minExponent + random.nextInt(maxExponent - minExponent + 1);
      long units = (1L << bits) + random.nextInt(1 << bits);
      double half = Math.scalb(units + 0.5, exponent - bits) * (random.nextBoolean() ? 1 : -1);
      values.add(half);
      values.add(Math.nextUp(half));
      values.add(Math.nextDown(half));
      values.add(half * (1 + random.nextGaussian()));
    }
    return values;
  }

  /** Counts in units of the last place: exact in fp64, then one rounding to an integer. */
  private static double rounded(double x, int bits, int minExponent, double max) {
    int exponent = x == 0 ? minExponent : Math.max(minExponent, Math.getExponent(x));
    double nearest = Math.scalb(Math.rint(Math.scalb(x, bits - exponent)), exponent - bits);
    return Math.abs(nearest) > max ? Math.copySign(Double.POSITIVE_INFINITY, x) : nearest;
  }

  @ParameterizedTest
  @CsvSource({"BF16, 7, -126, 127, 0x1.FEp127", "F16, 10, -14, 15, 65504"})
  void encodesByOneRounding(DType dtype, int bits, int minExponent, int maxExponent, double max) {
    List<Double> values = values(bits, minExponent - bits - 2, maxExponent);
    DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
    double[] expected =
        values.stream().mapToDouble(v -> rounded(v, bits, minExponent, max)).toArray();

    assertThat(encoded(arith, dtype, values)).isEqualTo(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Math.copySign(1, expected[i])).isEqualTo(Math.copySign(1, values.get(i)));
    }
  }

  @ParameterizedTest
  @CsvSource({"BF16, 7, -126, 127, 0x1.FEp127", "F16, 10, -14, 15, 65504"})
  void castsStoredDoublesByOneRounding(
      DType dtype, int bits, int minExponent, int maxExponent, double max) {
    List<Double> values = values(bits, minExponent - bits - 2, maxExponent);
    FloatArith arith = FloatArith.rounding(KernelRegistry.get().kernels(), dtype);
    Stored stored =
        Stored.of(DType.F64, values.stream().mapToDouble(Double::doubleValue).toArray());
    float[] vector = arith.vector();
    for (int i = 0; i < values.size(); i += vector.length) {
      int n = Math.min(vector.length, values.size() - i);
      arith.decode(DType.F64, stored.bytes(), 8 * i, vector, n);
      for (int j = 0; j < n; j++) {
        assertThat((double) vector[j])
            .isEqualTo(rounded(values.get(i + j), bits, minExponent, max));
      }
    }
  }

  private static double[] encoded(DoubleArith arith, DType dtype, List<Double> values) {
    byte[] bytes = new byte[values.size() * dtype.bytes()];
    double[] vector = arith.vector();
    for (int i = 0; i < values.size(); i += vector.length) {
      int n = Math.min(vector.length, values.size() - i);
      for (int j = 0; j < n; j++) {
        vector[j] = values.get(i + j);
      }
      arith.encode(dtype, vector, n, bytes, i * dtype.bytes());
    }
    return new Stored(dtype, bytes).values();
  }
}
