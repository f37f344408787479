package io.weightloom.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.tensor.BlockCut.Block;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlockCutTest {

  @Test
  void aBlockIsARunOfWholeRows() {
    BlockCut cut = BlockCut.of(Shape.of(10, 3), 7);
    assertThat(cut.blocks()).isEqualTo(5);
    assertThat(cut.block(0)).isEqualTo(new Block(0, 0, 2, 0, 6));
    assertThat(cut.block(4)).isEqualTo(new Block(4, 8, 10, 24, 6));
    assertThat(cut.cutsRows()).isFalse();
  }

  @Test
  void aRowLongerThanABlockIsCutAndNoBlockHoldsTwoRows() {
    BlockCut cut = BlockCut.of(Shape.of(2, 5), 3);
    assertThat(cut.cutsRows()).isTrue();
    assertThat(LongStream.range(0, cut.blocks()).mapToObj(cut::block))
        .containsExactly(
            new Block(0, 0, 1, 0, 3),
            new Block(1, 0, 1, 3, 2),
            new Block(2, 1, 2, 5, 3),
            new Block(3, 1, 2, 8, 2));
  }

  @Test
  void aVectorHasRowsOfOneElementAndAScalarIsOneRow() {
    assertThat(BlockCut.of(Shape.of(5), 2).block(2)).isEqualTo(new Block(2, 4, 5, 4, 1));
    assertThat(BlockCut.of(Shape.of(), 2).block(0)).isEqualTo(new Block(0, 0, 1, 0, 1));
  }

  @Test
  void aTensorWithoutElementsHasNoBlocks() {
    assertThat(BlockCut.of(Shape.of(0, 4), 2).blocks()).isZero();
    assertThat(BlockCut.of(Shape.of(4, 0), 2).blocks()).isZero();
  }

  @Test
  void noByteIsCutWhereElementsAreNarrower() {
    BlockCut cut = BlockCut.of(new TensorSpec("t", DType.F4, Shape.of(3, 14)), 21);
    assertThat(LongStream.range(0, cut.blocks()).mapToObj(cut::block))
        .containsExactly(
            new Block(0, 0, 1, 0, 16), new Block(1, 0, 1, 16, 16), new Block(2, 0, 1, 32, 10));
    assertThat(BlockCut.of(new TensorSpec("t", DType.U8, Shape.of(3, 14)), 21))
        .isEqualTo(BlockCut.of(Shape.of(3, 14), 21));
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "7,5,4", "7,5,5", "7,5,12", "3,100,7", "128,1,31", "4,1000003,524288"})
  void blocksCoverTheTensorWithoutGapOrOverlap(long rows, long columns, int target) {
    BlockCut cut = BlockCut.of(Shape.of(rows, columns), target);
    long at = 0;
    for (long i = 0; i < cut.blocks(); i++) {
      Block block = cut.block(i);
      assertThat(block.offset()).isEqualTo(at);
      assertThat(block.count()).isBetween(1L, (long) target);
      assertThat(block.rowBegin()).isEqualTo(at / columns);
      assertThat(block.rowEnd() - 1).isEqualTo((at + block.count() - 1) / columns);
      at += block.count();
    }
    assertThat(at).isEqualTo(rows * columns);
  }
}
