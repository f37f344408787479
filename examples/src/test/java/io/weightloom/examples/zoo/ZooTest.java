package io.weightloom.examples.zoo;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.examples.zoo.Merging.Method;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ZooTest {
  private static final Trainer.Budget SHORT = new Trainer.Budget(96, 8, 2e-3, 5, 3e-2);

  /** Changes with every change of data, network or training, and with nothing else. */
  private static final String DIGEST_OF_SHORT_DIGITS =
      "e369dbd73a39ad37218a283579a6219ab81b201cdbdcd3111ce9884636d888bb";

  @Test
  void theSameBudgetGivesTheSameBytesOnEveryMachine(@TempDir Path directory) throws Exception {
    for (String run : new String[] {"a", "b"}) {
      Trainer trainer = new Trainer(SHORT);
      Checkpoint.write(directory.resolve(run), trainer.tune(trainer.base(), Task.DIGITS));
    }
    Path first = directory.resolve("a/model.safetensors");
    assertThat(directory.resolve("b/model.safetensors")).hasSameBinaryContentAs(first);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(first));
    assertThat(HexFormat.of().formatHex(digest)).isEqualTo(DIGEST_OF_SHORT_DIGITS);
  }

  @Test
  void theFullZooLearnsItsTasksAndIsHardToMerge() throws IOException {
    Map<String, Scores> scores = new HashMap<>();
    Examiner validation = new Examiner(Dataset.Split.VALIDATION);
    Zoo zoo = Zoo.train(Trainer.Budget.FULL, (name, w) -> scores.put(name, validation.score(w)));

    Scores base = requireNonNull(scores.get(Zoo.BASE));
    assertThat(base.mean()).isBetween(0.4, 0.6);
    for (Task task : Task.values()) {
      Scores own = requireNonNull(scores.get(task.label()));
      assertThat(own.on(task)).as(task.label()).isGreaterThan(0.8);
      assertThat(own.on(task)).isGreaterThan(base.on(task) + 0.05);
      assertThat(own.mean()).isLessThan(0.7);
      assertThat(heads(zoo.tuned(task))).isEqualTo(heads(zoo.base()));
    }
    double linear = mean(zoo, validation, new Merging(Method.LINEAR, 1, 1));
    double sum = mean(zoo, validation, new Merging(Method.TASK_ARITHMETIC, 1, 0.3));
    double ties = mean(zoo, validation, new Merging(Method.TIES, 0.3, 0.8));
    assertThat(linear).isGreaterThan(base.mean() + 0.05).isLessThan(0.75);
    assertThat(sum).isGreaterThan(linear + 0.02);
    assertThat(ties).isGreaterThan(sum);
  }

  private static double mean(Zoo zoo, Examiner examiner, Merging merging) {
    return examiner.score(TuneRecipes.merge(zoo, merging)).mean();
  }

  private static float[] heads(float[] weights) {
    return Arrays.copyOfRange(weights, Layout.TRUNK, Layout.SIZE);
  }
}
