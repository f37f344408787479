package io.weightloom.merge.methods;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How many directions a model has in the shared subspaces, as the papers' codes count them. */
class RanksTest {

  /** task_singular_vectors a6c9718. */
  @ParameterizedTest
  @CsvSource({"768, 8, 96", "768, 20, 38", "1024, 14, 73", "49, 49, 0"})
  void tsvTakesATruncatedProductOfDoubles(long side, int models, int share) {
    assertThat(TsvM.share(side, models)).isEqualTo(share);
  }

  /** iso-merging d34010a: rounded half to even. */
  @ParameterizedTest
  @CsvSource({"768, 8, 616, 19", "768, 14, 614, 11", "768, 20, 608, 8", "1024, 20, 824, 10"})
  void isoCtsRoundsTheTasksPartToAMultiple(int side, int models, int common, int task) {
    assertThat(IsoCts.Ranks.of(side, 0.8, models)).isEqualTo(new IsoCts.Ranks(common, task));
  }
}
