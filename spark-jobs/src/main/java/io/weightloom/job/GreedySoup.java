package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelReference;
import io.weightloom.job.Sweep.Candidate;
import io.weightloom.job.SweepRequest.Scoring;
import io.weightloom.job.SweepResult.Row;
import io.weightloom.merge.span.Soup;
import io.weightloom.recipe.Recipe;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.SparkContext;

/**
 * A greedy soup whose scores a command measures (Wortsman et al., 2022, recipe 1): models are tried
 * in the order of their own scores, and one stays if the average with it is better than the best so
 * far. A read writes the soups of the next few models as if all of them stayed; the first that does
 * not stay ends what that read was good for.
 */
public final class GreedySoup {
  private static final String MODELS = "models";

  private final SweepRequest request;
  private final Scoring scoring;
  private final Map<String, Object> plain;
  private final RecipeYaml yaml;
  private final SweepJob job;
  private final SweepDir dir;
  private final boolean takesTies;
  private final List<String> accepted = new ArrayList<>();
  private final Set<String> names = new LinkedHashSet<>();
  private String best = "";
  private double bestMerit;

  private GreedySoup(
      SparkContext spark, SweepRequest request, RecipeYaml yaml, List<PreparedMerge> merges) {
    this.request = request;
    this.scoring = request.scoring().orElseThrow();
    this.yaml = yaml;
    this.plain = tree(yaml);
    this.dir = SweepDir.open(request, merges);
    this.job = new SweepJob(spark, request, dir);
    this.takesTies = yaml.recipe().method().equals("ratatouille");
  }

  private static Map<String, Object> tree(RecipeYaml yaml) {
    return RecipeYaml.tree(yaml.path(), yaml.text()) instanceof Map<?, ?> root
        ? Sweep.without(root)
        : Map.of();
  }

  /** Whether a recipe asks for a soup whose scores it does not give. */
  public static boolean isAskedFor(Recipe recipe) {
    return "greedy".equals(recipe.extensions().get(Soup.SELECT.name()))
        && recipe.slices().isEmpty()
        && recipe.models().stream().noneMatch(m -> m.parameters().containsKey(Soup.SCORE.name()));
  }

  /**
   * Finds the soup.
   *
   * @throws WeightloomException if a model or a soup cannot be scored
   */
  public static SweepResult run(SparkContext spark, SweepRequest request, RecipeYaml yaml) {
    List<PreparedMerge> merges = List.of(PreparedMerge.of(yaml.recipe(), request.options()));
    return new GreedySoup(spark, request, yaml, merges).run();
  }

  private SweepResult run() {
    dir.write(job.result(), false);
    List<String> order = ingredients();
    dir.write(job.result(), false);
    accepted.add(order.get(0));
    // The soup of the best model alone: its score is known.
    soups(order, 0, 1);
    int alone = rows() - 1;
    job.scoreAs(alone, scoring.merit(bestMerit));
    best(alone, bestMerit);
    for (int next = 1; next < order.size(); ) {
      next = tried(order, next);
      dir.write(job.result(), false);
    }
    if (!request.keepsAll()) {
      job.keepOnly(best);
    }
    dir.write(job.result(), true);
    return job.result();
  }

  /** Scores each model by itself, where it lies; gives their references, the best first. */
  private List<String> ingredients() {
    Map<String, Double> merits = new LinkedHashMap<>();
    for (Recipe.Source source : yaml.recipe().models()) {
      String model = source.model();
      double score = scoring.command().score(model, ModelReference.resolve(model, System.getenv()));
      merits.put(model, scoring.merit(score));
      Row row = new Row(model, Map.of(MODELS, last(model)), score, "", true);
      job.add(row);
      request.told().accept(row);
    }
    List<String> order = new ArrayList<>(merits.keySet());
    order.sort(Comparator.comparingDouble(m -> -merits.getOrDefault(m, 0.0)));
    bestMerit = merits.getOrDefault(order.get(0), 0.0);
    return order;
  }

  /** Writes the soups with the models of {@code [from, to)} added one after the other. */
  private void soups(List<String> order, int from, int to) {
    List<Candidate> soups = new ArrayList<>();
    List<String> models = new ArrayList<>(accepted);
    for (int i = from; i < to; i++) {
      if (!models.contains(order.get(i))) {
        models.add(order.get(i));
      }
      soups.add(soup(models));
    }
    job.merge(
        soups,
        PreparedMerge.all(
            soups.stream().map(s -> s.recipe().recipe()).toList(), request.options()));
  }

  /** Tries models from the {@code next} on until one is refused; gives the one to go on with. */
  private int tried(List<String> order, int next) {
    int to = Math.min(order.size(), next + request.batch());
    int first = rows();
    soups(order, next, to);
    boolean stays = true;
    int at = next;
    for (; at < to && stays; at++) {
      int row = first + at - next;
      double merit = scoring.merit(job.scoreRow(row, scoring));
      request.told().accept(row(row));
      stays = merit > bestMerit || (takesTies && merit == bestMerit);
      if (stays) {
        accepted.add(order.get(at));
        best(row, merit);
      }
    }
    job.forget(first + at - next);
    if (!request.keepsAll()) {
      job.keepOnly(best);
    }
    return at;
  }

  private void best(int row, double merit) {
    best = row(row).name();
    bestMerit = merit;
    job.best(best, merit);
  }

  private int rows() {
    return job.result().rows().size();
  }

  private Row row(int index) {
    return job.result().rows().get(index);
  }

  /** The plain average of some of the models. */
  private Candidate soup(List<String> models) {
    Map<String, Object> tree = new LinkedHashMap<>(plain);
    tree.put(MODELS, models.stream().map(m -> Map.of("model", m)).toList());
    Map<String, Object> extensions = new LinkedHashMap<>();
    if (plain.get("weightloom") instanceof Map<?, ?> own) {
      own.forEach((k, v) -> extensions.put(String.valueOf(k), v));
    }
    extensions.put(Soup.SELECT.name(), "uniform");
    tree.put("weightloom", extensions);
    String all = models.stream().map(GreedySoup::last).collect(Collectors.joining("+"));
    String name = "soup-%02d-of-%d".formatted(names.size() + 1, models.size());
    names.add(name);
    return new Candidate(name, Map.of(MODELS, all), RecipeYaml.of(yaml.path(), tree));
  }

  private static String last(String reference) {
    String trimmed = reference.replaceFirst("/+$", "");
    return trimmed.substring(trimmed.lastIndexOf('/') + 1);
  }
}
