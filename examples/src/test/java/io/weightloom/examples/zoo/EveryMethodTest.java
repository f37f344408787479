package io.weightloom.examples.zoo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EveryMethodTest {
  private static final Zoo ZOO = zoo();

  private static Zoo zoo() {
    Map<String, float[]> models = new LinkedHashMap<>();
    Random random = new Random(1);
    float[] base = new float[Layout.SIZE];
    for (int i = 0; i < base.length; i++) {
      base[i] = (float) random.nextGaussian();
    }
    models.put(Zoo.BASE, Trainer.stored(base));
    for (Task task : Task.values()) {
      float[] tuned = base.clone();
      for (int i = 0; i < tuned.length; i++) {
        tuned[i] += 0.1f * (float) random.nextGaussian();
      }
      models.put(task.label(), Trainer.stored(tuned));
    }
    return new Zoo(models);
  }

  private static EveryMethod.Case named(String name) {
    return EveryMethod.cases().stream()
        .filter(c -> c.toString().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void whatNeedsATableOrTakesFewerModelsIsLeftOut() {
    assertThat(EveryMethod.cases())
        .extracting(EveryMethod.Case::toString)
        .contains("linear", "ties mergekit", "ties reference", "tsv_m reference")
        .noneMatch(c -> c.startsWith("slerp") || c.startsWith("regmean") || c.equals("darex"));
  }

  /** The demo's own few lines are the yardstick. */
  @ParameterizedTest
  @CsvSource({
    "linear, LINEAR, 1",
    "task_arithmetic, TASK_ARITHMETIC, 0.3",
    "ties mergekit, TIES, 1"
  })
  void mergesAsTheYardstickDoes(String name, Merging.Method method, double lambda) {
    List<float[]> tuned = Arrays.stream(Task.values()).map(ZOO::tuned).toList();
    float[] expected = new Merging(method, 1, lambda).merge(ZOO.base(), tuned);

    float[] merged =
        new EveryMethod(ZOO)
            .merge(
                named(name),
                method == Merging.Method.LINEAR
                    ? Map.of()
                    : Map.of("lambda", lambda, "density", 1.0));

    for (int i = 0; i < merged.length; i++) {
      assertThat(merged[i])
          .isCloseTo(expected[i], Offset.offset(1e-6f + Math.scalb(Math.abs(expected[i]), -7)));
    }
  }

  @Test
  void matricesAreMergedWhole() {
    float[] merged = new EveryMethod(ZOO).merge(named("tsv_m reference"), Map.of("lambda", 1.0));

    assertThat(merged).hasSize(Layout.SIZE).isNotEqualTo(ZOO.base());
  }
}
