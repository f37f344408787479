package io.weightloom.merge.span;

import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which models go into an average. A greedy soup needs the accuracies of models and soups on held
 * out data; they are measured elsewhere and given as parameters.
 */
public final class Soup {
  public static final ParamSpec SELECT =
      ParamSpec.extension("select", List.of("uniform", "greedy"), "all models, or only what helps");
  public static final ParamSpec SCORE =
      ParamSpec.perModel("score", "greedy: the model's accuracy on held-out data").orElse(0);
  public static final ParamSpec SOUP_SCORE =
      ParamSpec.perModel("soup_score", "greedy: that of the soup so far with this model added")
          .orElse(0);

  private Soup() {}

  /**
   * The share of each model: models are tried in the order of their scores, and one stays if its
   * soup is better than the best so far.
   *
   * @param ties whether an equally good soup is better, too
   */
  public static double[] shares(Params params, boolean ties) {
    double[] scores = params.numbers(SCORE.name());
    double[] soups = params.numbers(SOUP_SCORE.name());
    boolean[] taken = new boolean[scores.length];
    if (params.choice(SELECT.name()).equals("uniform")) {
      Arrays.fill(taken, true);
    } else {
      greedy(scores, soups, ties, taken);
    }
    long count = IntStream.range(0, taken.length).filter(k -> taken[k]).count();
    return IntStream.range(0, taken.length).mapToDouble(k -> taken[k] ? 1.0 / count : 0).toArray();
  }

  private static void greedy(double[] scores, double[] soups, boolean ties, boolean[] taken) {
    int[] order =
        IntStream.range(0, scores.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer k) -> -scores[k]))
            .mapToInt(k -> k)
            .toArray();
    taken[order[0]] = true;
    double best = scores[order[0]];
    for (int i = 1; i < order.length; i++) {
      double score = soups[order[i]];
      if (score > best || (ties && score == best)) {
        taken[order[i]] = true;
        best = score;
      }
    }
  }
}
