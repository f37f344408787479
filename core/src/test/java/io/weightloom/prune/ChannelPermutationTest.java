package io.weightloom.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.prune.PermutationScan.Found;
import io.weightloom.prune.PermutationScan.Frame;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Orders of channels by which N:M keeps more. */
class ChannelPermutationTest {

  private static float[][] columns(int columns, int rows, long seed) {
    Random random = new Random(seed);
    float[][] all = new float[columns][rows];
    for (float[] column : all) {
      double size = random.nextDouble();
      for (int i = 0; i < rows; i++) {
        column[i] = (float) (size * Math.abs(random.nextGaussian()));
      }
    }
    return all;
  }

  /** What N:M keeps, by sorting. */
  private static double kept(float[][] columns, int[] order, int n, int m) {
    double sum = 0;
    for (int row = 0; row < columns[0].length; row++) {
      for (int first = 0; first < order.length; first += m) {
        int size = Math.min(m, order.length - first);
        double[] group = new double[size];
        for (int i = 0; i < size; i++) {
          group[i] = columns[order[first + i]][row];
        }
        Arrays.sort(group);
        sum += Arrays.stream(group).skip(size < m ? 0 : m - n).sum();
      }
    }
    return sum;
  }

  @ParameterizedTest
  @CsvSource({"2, 4, 32", "1, 4, 30", "3, 8, 40", "1, 2, 7", "4, 5, 25", "2, 4, 3"})
  void anOrderKeepsNoLessAndIsAPermutation(int n, int m, int count) {
    float[][] columns = columns(count, 50, n + m);
    int[] same = IntStream.range(0, count).toArray();

    int[] order = ChannelPermutation.of(columns, n, m);

    assertThat(Arrays.stream(order).sorted().toArray()).isEqualTo(same);
    assertThat(Arrays.copyOfRange(order, count / m * m, count))
        .isEqualTo(Arrays.copyOfRange(same, count / m * m, count));
    double before = kept(columns, same, n, m);
    double after = kept(columns, order, n, m);
    assertThat(ChannelPermutation.kept(columns, same, n, m)).isCloseTo(before, within(1e-9));
    assertThat(ChannelPermutation.kept(columns, order, n, m)).isCloseTo(after, within(1e-9));
    if (count > m) {
      assertThat(after).isGreaterThan(before);
    } else {
      assertThat(order).isEqualTo(same);
    }
    assertThat(ChannelPermutation.of(columns, n, m)).isEqualTo(order);
  }

  /** Two columns are all the weight: they are parted, and nothing is lost. */
  @Test
  void whatCanBeKeptWholeIs() {
    float[][] columns = new float[8][3];
    for (int i = 0; i < 4; i++) {
      Arrays.fill(columns[i], 4 - i);
    }

    int[] order = ChannelPermutation.of(columns, 2, 4);

    assertThat(kept(columns, IntStream.range(0, 8).toArray(), 2, 4)).isEqualTo(3 * (4 + 3));
    assertThat(kept(columns, order, 2, 4)).isEqualTo(3 * (4 + 3 + 2 + 1));
  }

  /** The best of all 35 ways to part eight channels in two, by looking at them all. */
  @ParameterizedTest
  @CsvSource({"1", "2", "3", "4", "5"})
  void twoGroupsAreNearTheBest(long seed) {
    float[][] columns = columns(8, 20, seed);
    double best = 0;
    for (int bits = 0; bits < 256; bits++) {
      int chosen = bits;
      if (Integer.bitCount(bits) == 4) {
        int[] order =
            IntStream.concat(
                    IntStream.range(0, 8).filter(i -> (chosen >> i & 1) == 1),
                    IntStream.range(0, 8).filter(i -> (chosen >> i & 1) == 0))
                .toArray();
        best = Math.max(best, kept(columns, order, 2, 4));
      }
    }

    assertThat(kept(columns, ChannelPermutation.of(columns, 2, 4), 2, 4))
        .isBetween(best * 0.99, best * (1 + 1e-9));
  }

  private static Found scan(Frame frame, int rows, float[] values, int block) {
    TensorSpec tensor =
        new TensorSpec("w", DType.F32, Shape.of(rows, values.length / Math.max(1, rows)));
    List<TensorSpec> tensors = List.of(tensor);
    PermutationScan scan = new PermutationScan(Map.of("w", frame), 2, 4);
    PermutationScan.Held held = scan.open(tensors);
    BlockCut cut = BlockCut.of(tensor, block);
    for (long i = 0; i < cut.blocks(); i++) {
      BlockCut.Block place = cut.block(i);
      ByteBuffer data = ByteBuffer.allocate((int) place.count() * 4).order(ByteOrder.LITTLE_ENDIAN);
      for (int k = 0; k < place.count(); k++) {
        data.putFloat(values[(int) place.offset() + k]);
      }
      held.add(new AlignedBlock(tensors, place, new byte[][] {data.array()}));
    }
    return scan.conclude(tensors, held);
  }

  /** Two value heads of eight outputs, each read by two query heads: 32 columns. */
  @ParameterizedTest
  @CsvSource({"1000", "32", "5"})
  void framesOfASetHaveOneOrder(int block) {
    int rows = 6;
    Random random = new Random(9);
    float[] values = new float[rows * 32];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    Frame frame = new Frame(2, 2, 8);

    Found found = scan(frame, rows, values, block);

    int[] columns = found.ofColumns(frame);
    assertThat(found.order()).hasSize(16);
    assertThat(Arrays.stream(columns).sorted().toArray())
        .isEqualTo(IntStream.range(0, 32).toArray());
    for (int c = 0; c < 32; c++) {
      assertThat(columns[c] / 8).isEqualTo(c / 8);
      assertThat(columns[c] % 8).isEqualTo(found.order()[c / 16 * 8 + c % 8] % 8);
      assertThat(found.order()[c / 2] / 8).isEqualTo(c / 16);
    }
    float[][] byColumn = new float[32][rows];
    for (int i = 0; i < values.length; i++) {
      byColumn[i % 32][i / 32] = Math.abs(values[i]);
    }
    assertThat(found.before())
        .isCloseTo(kept(byColumn, IntStream.range(0, 32).toArray(), 2, 4), within(1e-9));
    assertThat(found.after()).isCloseTo(kept(byColumn, columns, 2, 4), within(1e-9));
    assertThat(found.after()).isGreaterThan(found.before());
  }
}
