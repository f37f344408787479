package io.weightloom.examples.zoo;

import io.weightloom.error.WeightloomException;
import io.weightloom.examples.zoo.EveryMethod.Case;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Merges the zoo by every method that needs no table and prints what the results score on the tests
 * of all tasks, the best first: {@code ScoreMethods ZOO_DIR [METHOD...]}. Where a method has a λ,
 * the best of a few is chosen by the validation pictures, as the papers do.
 */
public final class ScoreMethods {
  private static final double[] LAMBDAS = {0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.5};

  /** Pictures of each task that a λ is chosen by: enough to tell these few apart. */
  private static final int VALIDATED = 500;

  private ScoreMethods() {}

  /**
   * What a method came to.
   *
   * @param lambda chosen; NaN without one
   */
  private record Result(Case of, double lambda, Scores scores, double normalised) {}

  public static void main(String[] args) throws IOException {
    if (args.length == 0) {
      System.err.println("usage: ScoreMethods ZOO_DIR [METHOD...]");
      System.exit(2);
    }
    Zoo zoo = Zoo.read(Path.of(args[0]));
    Examiner tests = new Examiner(Dataset.Split.TEST);
    Examiner validation = new Examiner(Dataset.Split.VALIDATION, VALIDATED);
    Scores own = own(zoo, tests);
    EveryMethod methods = new EveryMethod(zoo);
    List<Result> results = new ArrayList<>();
    List<String> wanted = List.of(args).subList(1, args.length);
    for (Case of : EveryMethod.cases()) {
      if (!wanted.isEmpty() && !wanted.contains(of.method().spec().name())) {
        continue;
      }
      try {
        double lambda = of.hasLambda() ? lambda(methods, of, validation) : Double.NaN;
        Scores scores = tests.score(methods.merge(of, over(lambda)));
        results.add(new Result(of, lambda, scores, scores.normalisedMean(own)));
        System.err.printf(Locale.ROOT, "%s: %.1f %%%n", of, 100 * scores.mean());
      } catch (WeightloomException e) {
        System.err.println(of + ": " + e.getMessage());
      }
    }
    results.sort(Comparator.comparingDouble(Result::normalised).reversed());
    print(results);
  }

  private static double lambda(EveryMethod methods, Case of, Examiner validation) {
    double best = 0;
    double chosen = 1;
    for (double lambda : LAMBDAS) {
      double mean = validation.score(methods.merge(of, over(lambda))).mean();
      if (mean > best) {
        best = mean;
        chosen = lambda;
      }
    }
    return chosen;
  }

  private static Map<String, Object> over(double lambda) {
    return Double.isNaN(lambda) ? Map.of() : Map.of("lambda", lambda);
  }

  private static Scores own(Zoo zoo, Examiner tests) {
    Map<Task, Double> own = new java.util.EnumMap<>(Task.class);
    for (Task task : Task.values()) {
      own.put(task, tests.score(zoo.tuned(task)).on(task));
    }
    return new Scores(own);
  }

  private static void print(List<Result> results) {
    StringBuilder out = new StringBuilder("| method | λ |");
    for (Task task : Task.values()) {
      out.append(' ').append(task.label()).append(" |");
    }
    out.append(" mean | normalised |\n|---|---|").append("---|".repeat(Task.values().length + 2));
    for (Result r : results) {
      out.append("\n| `").append(r.of()).append("` | ");
      out.append(Double.isNaN(r.lambda()) ? "" : r.lambda()).append(" |");
      for (Task task : Task.values()) {
        out.append(percent(r.scores().on(task)));
      }
      out.append(percent(r.scores().mean())).append(percent(r.normalised()));
    }
    System.out.println(out);
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, " %.1f |", 100 * share);
  }
}
