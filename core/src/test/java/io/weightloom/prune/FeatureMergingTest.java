package io.weightloom.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which features become one. */
class FeatureMergingTest {

  private static int[][] groups(float[][] features, int incoming, int count) {
    float[][] copy = Arrays.stream(features).map(float[]::clone).toArray(float[][]::new);
    return FeatureMerging.groups(KernelRegistry.get().kernels(), copy, incoming, count);
  }

  /** The same from the definition: all distances of all features as they are, at each step. */
  private static int[][] plain(float[][] features, int incoming, int count) {
    List<List<Integer>> groups = new ArrayList<>();
    IntStream.range(0, features.length).forEach(i -> groups.add(new ArrayList<>(List.of(i))));
    for (int step = 0; step < count; step++) {
      int a = -1;
      int b = -1;
      double least = Double.POSITIVE_INFINITY;
      for (int i = 0; i < groups.size(); i++) {
        for (int j = i + 1; j < groups.size(); j++) {
          double d = distance(features, incoming, groups.get(i), groups.get(j));
          if (d < least) {
            least = d;
            a = i;
            b = j;
          }
        }
      }
      groups.get(a).addAll(groups.remove(b));
    }
    return groups.stream()
        .map(g -> g.stream().mapToInt(x -> x).sorted().toArray())
        .toArray(int[][]::new);
  }

  private static double distance(
      float[][] features, int incoming, List<Integer> a, List<Integer> b) {
    double sum = 0;
    for (int k = 0; k < features[0].length; k++) {
      int at = k;
      double x = a.stream().mapToDouble(i -> features[i][at]).sum();
      double y = b.stream().mapToDouble(i -> features[i][at]).sum();
      double d = k < incoming ? x / a.size() - y / b.size() : x - y;
      sum += d * d;
    }
    return sum;
  }

  private static float[][] features(int count, int length, long seed) {
    Random random = new Random(seed);
    float[][] features = new float[count][length];
    for (float[] feature : features) {
      for (int k = 0; k < length; k++) {
        feature[k] = (float) random.nextGaussian();
      }
    }
    return features;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void eachStepMergesTheNearestAsTheyAreByThen(long seed) {
    float[][] features = features(24, 5, seed);
    // Some near each other, so that groups of more than two come about.
    for (int i = 8; i < 14; i++) {
      for (int k = 0; k < 5; k++) {
        features[i][k] = features[3][k] * (k < 3 ? 1 : 0.01f) + 0.1f * features[i][k];
      }
    }
    for (int count : new int[] {0, 1, 5, 12, 23}) {
      assertThat(groups(features, 3, count)).isDeepEqualTo(plain(features, 3, count));
    }
    assertThat(Arrays.stream(groups(features, 3, 12)).anyMatch(g -> g.length > 2)).isTrue();
  }

  @Test
  void ofEquallyNearPairsTheFirstGoFirst() {
    float[][] line = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {9, 0}};
    assertThat(groups(line, 2, 1)).isDeepEqualTo(new int[][] {{0, 1}, {2}, {3}, {4}});
    assertThat(groups(line, 2, 2)).isDeepEqualTo(new int[][] {{0, 1}, {2, 3}, {4}});
    float[][] equal = {{5, 1}, {7, 1}, {5, 1}, {7, 1}, {5, 1}};
    assertThat(groups(equal, 1, 1)).isDeepEqualTo(new int[][] {{0, 2}, {1}, {3}, {4}});
  }

  @Test
  void whatCannotBeToldApartIsStillMerged() {
    float[][] far = {{3e38f, 3e38f}, {-3e38f, 3e38f}, {3e38f, -3e38f}, {-3e38f, -3e38f}};
    assertThat(groups(far, 1, 3)).isDeepEqualTo(new int[][] {{0, 1, 2, 3}});
  }

  /** Gate and up of 6 channels, 3 wide, and down. */
  private static int[][] scan(int block, double[] gate, double[] up, double[] down) {
    List<TensorSpec> tensors =
        List.of(
            new TensorSpec("gate", DType.F64, Shape.of(6, 3)),
            new TensorSpec("up", DType.F32, Shape.of(6, 3)),
            new TensorSpec("down", DType.F64, Shape.of(3, 6)));
    FeatureScan scan = new FeatureScan(3);
    FeatureScan.Held held = scan.open(tensors);
    BlockCut cut = BlockCut.of(tensors.get(0), block);
    for (long i = 0; i < cut.blocks(); i++) {
      BlockCut.Block place = cut.block(i);
      byte[][] data = new byte[3][];
      double[][] values = {gate, up, down};
      for (int k = 0; k < 3; k++) {
        DType dtype = tensors.get(k).dtype();
        ByteBuffer bytes =
            ByteBuffer.allocate((int) place.count() * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int e = 0; e < place.count(); e++) {
          double v = values[k][(int) place.offset() + e];
          if (dtype == DType.F64) {
            bytes.putDouble(v);
          } else {
            bytes.putFloat((float) v);
          }
        }
        data[k] = bytes.array();
      }
      held.add(new AlignedBlock(tensors, place, data));
    }
    return scan.conclude(tensors, held);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 100})
  void channelsAreRowsOfTheFirstAndColumnsOfTheLast(int block) {
    float[][] channels = features(6, 9, 6);
    // Twice the same, and once the same but for what reads it.
    System.arraycopy(channels[1], 0, channels[4], 0, 9);
    System.arraycopy(channels[2], 0, channels[5], 0, 9);
    channels[5][8] += 0.25f;
    double[][] tensors = new double[3][18];
    for (int c = 0; c < 6; c++) {
      for (int w = 0; w < 3; w++) {
        tensors[0][c * 3 + w] = channels[c][w];
        tensors[1][c * 3 + w] = channels[c][3 + w];
        tensors[2][w * 6 + c] = channels[c][6 + w];
      }
    }
    assertThat(scan(block, tensors[0], tensors[1], tensors[2]))
        .isDeepEqualTo(plain(channels, 6, 3));
    assertThat(plain(channels, 6, 2)).isDeepEqualTo(new int[][] {{0}, {1, 4}, {2, 5}, {3}});

    tensors[2][7] = Double.NaN;
    assertThatThrownBy(() -> scan(block, tensors[0], tensors[1], tensors[2]))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot tell how near channels are: down holds NaN at element 7 (mend the model)");
    tensors[2][7] = 1e39;
    assertThatThrownBy(() -> scan(block, tensors[0], tensors[1], tensors[2]))
        .hasMessageContaining("down holds 1.0E39 at element 7, which fp32 cannot");
  }
}
