package io.weightloom.examples.zoo;

import io.weightloom.examples.zoo.Merging.Method;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Chooses the coefficients of the demo's recipes: {@code TuneRecipes ZOO_DIR} tries a grid for each
 * method on the validation pictures, and scores the best on the test pictures, once.
 */
public final class TuneRecipes {
  private static final double[] SUM_LAMBDAS = {0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6};
  private static final double[] MEAN_LAMBDAS = {0.4, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6};

  private TuneRecipes() {}

  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      System.err.println("usage: TuneRecipes ZOO_DIR");
      System.exit(2);
    }
    Zoo zoo = Zoo.read(Path.of(args[0]));
    Examiner validation = new Examiner(Dataset.Split.VALIDATION);
    Examiner test = new Examiner(Dataset.Split.TEST);
    for (Method method : Method.values()) {
      Merging best = best(zoo, method, validation);
      Scores scores = test.score(merge(zoo, best));
      System.out.printf(Locale.ROOT, "best %s: test mean %.1f %%; ", best, 100 * scores.mean());
      System.out.println(scores);
    }
  }

  private static Merging best(Zoo zoo, Method method, Examiner validation) {
    Merging best = new Merging(method, 1, 1);
    double highest = -1;
    for (double density : densities(method)) {
      System.out.printf(Locale.ROOT, "%-16s density %.1f", method, density);
      for (double lambda : lambdas(method)) {
        Merging tried = new Merging(method, density, lambda);
        double mean = validation.score(merge(zoo, tried)).mean();
        System.out.printf(Locale.ROOT, "  %.2f: %.1f", lambda, 100 * mean);
        if (mean > highest) {
          highest = mean;
          best = tried;
        }
      }
      System.out.println();
    }
    return best;
  }

  static float[] merge(Zoo zoo, Merging merging) {
    List<float[]> tuned = Arrays.stream(Task.values()).map(zoo::tuned).toList();
    return merging.merge(zoo.base(), tuned);
  }

  private static double[] densities(Method method) {
    return switch (method) {
      case LINEAR, TASK_ARITHMETIC -> new double[] {1};
      case TIES -> new double[] {0.1, 0.2, 0.3, 0.5};
      case DARE_TIES -> new double[] {0.2, 0.5, 0.8};
    };
  }

  private static double[] lambdas(Method method) {
    return switch (method) {
      case LINEAR -> new double[] {1};
      case TIES -> MEAN_LAMBDAS;
      case TASK_ARITHMETIC, DARE_TIES -> SUM_LAMBDAS;
    };
  }
}
