package io.weightloom.examples.zoo;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Trains the zoo and writes it: {@code MakeZoo OUT_DIR} makes {@code OUT_DIR/base} and a directory
 * for each task, always with the same bytes.
 */
public final class MakeZoo {

  private MakeZoo() {}

  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      System.err.println("usage: MakeZoo OUT_DIR");
      System.exit(2);
    }
    Path out = Path.of(args[0]);
    Examiner examiner = new Examiner(Dataset.Split.TEST);
    long start = System.nanoTime();
    Zoo.train(
        Trainer.Budget.FULL,
        (name, weights) -> {
          Checkpoint.write(out.resolve(name), weights);
          double seconds = (System.nanoTime() - start) / 1e9;
          System.out.printf(
              Locale.ROOT, "%-10s %s  after %4.1f s%n", name, examiner.score(weights), seconds);
        });
  }
}
