package io.weightloom.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import io.weightloom.testkit.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

/** Dot products, distances, signs, Gram matrices and N:M patterns. */
class BlockPairsTest {
  private static final Kernels KERNELS = KernelRegistry.get().kernels();

  @ParameterizedTest
  @Seeds(5)
  void agreesWithPlainSums(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (DType one : Blocks.COMPUTED) {
      for (DType other : Blocks.COMPUTED) {
        int n = random.nextInt(5000);
        Stored a = Blocks.weights(one, random, n);
        Stored b = Blocks.weights(other, random, n);
        double[] x = a.values();
        double[] y = b.values();
        double dot = IntStream.range(0, n).mapToDouble(i -> x[i] * y[i]).sum();
        double xx = Arrays.stream(x).map(v -> v * v).sum();
        double yy = Arrays.stream(y).map(v -> v * v).sum();
        double distance =
            IntStream.range(0, n).mapToDouble(i -> (x[i] - y[i]) * (x[i] - y[i])).sum();
        long both = IntStream.range(0, n).filter(i -> x[i] * y[i] != 0).count();
        long agree = IntStream.range(0, n).filter(i -> x[i] * y[i] > 0).count();
        BlockData p = Blocks.block(a);
        BlockData q = Blocks.block(b);

        assertThat(BlockPairs.dot(p, q, KERNELS))
            .isCloseTo(dot, within(1e-13 * Math.sqrt(xx * yy)));
        assertThat(BlockPairs.distance(p, q, KERNELS))
            .isCloseTo(Math.sqrt(distance), within(1e-6 * Math.sqrt(distance)));
        if (xx * yy > 0) {
          assertThat(BlockPairs.cosine(p, q, KERNELS))
              .isCloseTo(dot / Math.sqrt(xx * yy), within(1e-12));
        }
        assertThat(BlockPairs.signAgreement(p, q, KERNELS)).isEqualTo((double) agree / both);
      }
    }
  }

  @Test
  void whereNothingCanBeSaidItIsNotANumber() {
    BlockData zero = Blocks.block(DType.BF16, 0, 0);
    BlockData one = Blocks.block(DType.BF16, 1, 1);
    assertThat(BlockPairs.cosine(zero, one, KERNELS)).isNaN();
    assertThat(BlockPairs.signAgreement(zero, one, KERNELS)).isNaN();
    assertThat(BlockPairs.dot(Blocks.block(DType.BF16, Double.NaN, 1), one, KERNELS)).isNaN();
  }

  @Test
  void blocksOfDifferentLengthsAreNotCompared() {
    BlockData two = Blocks.block(DType.BF16, 1, 2);
    BlockData alsoTwoBytesEach = Blocks.block(DType.F16, 1, 2, 3);
    assertThatThrownBy(() -> BlockPairs.dot(two, alsoTwoBytesEach, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot compare blocks of 2 and 3 elements: they must be cut alike (give blocks of"
                + " tensors of one shape, with the same block number)");
  }

  @ParameterizedTest
  @Seeds(3)
  void aGramMatrixHoldsAllDotProducts(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<BlockData> blocks = new ArrayList<>();
    for (DType dtype : List.of(DType.BF16, DType.F16, DType.BF16, DType.F32)) {
      blocks.add(Blocks.block(Blocks.weights(dtype, random, 4100)));
    }
    double[][] matrix = Gram.of(blocks, KERNELS).matrix();
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 4; j++) {
        assertThat(matrix[i][j]).isEqualTo(BlockPairs.dot(blocks.get(i), blocks.get(j), KERNELS));
      }
    }
  }

  @Test
  void gramMatricesMergeInAnyOrder() {
    SplittableRandom random = new SplittableRandom(7);
    List<Gram> parts = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      parts.add(
          Gram.of(
              List.of(
                  Blocks.block(Blocks.weights(DType.F32, random, 500)),
                  Blocks.block(Blocks.weights(DType.F32, random, 500))),
              KERNELS));
    }
    Gram forwards = parts.stream().reduce(Gram::merge).orElseThrow();
    java.util.Collections.reverse(parts);
    Gram backwards = parts.stream().reduce(Gram::merge).orElseThrow();
    assertThat(backwards).isEqualTo(forwards);
    assertThat(Gram.fromBytes(backwards.toBytes())).isEqualTo(forwards);
    assertThat(backwards.toBytes()).isEqualTo(forwards.toBytes());
  }

  @Test
  void gramMatricesOfOtherModelsAreNotMerged() {
    BlockData one = Blocks.block(DType.BF16, 1);
    Gram of1 = Gram.of(List.of(one), KERNELS);
    Gram of2 = Gram.of(List.of(one, one), KERNELS);
    assertThatThrownBy(() -> of1.merge(of2))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Gram matrices of 1 and 2 models");
    assertThatThrownBy(() -> Gram.of(List.of(), KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("of 0 blocks");
    assertThatThrownBy(() -> Gram.of(List.of(one, Blocks.block(DType.BF16, 1, 2)), KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("blocks of 1 and 2 elements");
    byte[] short1 = Arrays.copyOf(of2.toBytes(), of2.toBytes().length - 1);
    assertThatThrownBy(() -> Gram.fromBytes(short1)).hasMessageContaining("they end too early");
  }

  @Test
  void countsGroupsThatFollowAPattern() {
    BlockData block = Blocks.block(DType.BF16, 0, 1, 0, 2, 1, 1, 1, -0.0, 0, 0, 0, 0, 5, 5);
    assertThat(NmPattern.of(block, 2, 4, KERNELS)).isEqualTo(new NmPattern(3, 2));
    assertThat(NmPattern.of(block, 3, 4, KERNELS).share()).isEqualTo(1);
    assertThat(NmPattern.of(block, 0, 4, KERNELS)).isEqualTo(new NmPattern(3, 1));
    assertThat(NmPattern.of(block, 1, 15, KERNELS).share()).isNaN();
    double[] dense = new double[4096];
    Arrays.fill(dense, 1);
    dense[2047] = 0; // Groups go on over chunks.
    dense[2048] = 0;
    assertThat(NmPattern.of(Blocks.block(DType.F16, dense), 1, 3, KERNELS))
        .isEqualTo(new NmPattern(1365, 1));
    assertThatThrownBy(() -> NmPattern.of(block, 3, 2, KERNELS))
        .isInstanceOf(WeightloomException.class)
        .hasMessageContaining("Cannot look for a 3:2 pattern");
  }
}
