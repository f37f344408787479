package io.weightloom.examples.zoo;

import io.weightloom.error.WeightloomException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Scores one model for {@code weightloom sweep --score}: {@code ScoreModel MODEL_DIR} prints its
 * accuracies on the validation pictures, which no test looks at, and as the last line their mean.
 */
public final class ScoreModel {

  private ScoreModel() {}

  public static void main(String[] args) {
    if (args.length != 1) {
      System.err.println("usage: ScoreModel MODEL_DIR");
      System.exit(2);
    }
    try {
      Scores scores =
          new Examiner(Dataset.Split.VALIDATION).score(Checkpoint.read(Path.of(args[0])));
      System.out.println(scores);
      System.out.printf(Locale.ROOT, "%.4f%n", scores.mean());
    } catch (WeightloomException e) {
      System.err.println(e.getMessage());
      System.exit(e.kind().exitCode());
    }
  }
}
