package io.weightloom.merge.taskvector;

import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.taskvector.RowMask.Kind;
import io.weightloom.merge.taskvector.TaskVectorRule.Drop;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Function;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** What the DELLA methods take and what it means. */
public final class DellaRule {

  /** The DELLA methods' variants. */
  public static final List<Variant> VARIANTS =
      List.of(
          new Variant("mergekit", "keeps each tensor's L1 norm", Map.of()),
          new Variant(
              "reference",
              "the paper's own code: divides each element by its probability",
              Map.of("rescale_by", "probability")));

  private DellaRule() {}

  /** What the DELLA methods take. */
  public static List<ParamSpec> parameters(boolean normalizes) {
    return List.of(
        TaskVectorParams.WEIGHT,
        TaskVectorParams.DENSITY,
        ParamSpec.perModel("epsilon", "how far the probability to keep goes from the density")
            .within(TaskVectorParams.SHARE)
            .orElse(0.15),
        TaskVectorParams.LAMBDA,
        TaskVectorParams.normalize(normalizes),
        TaskVectorParams.rescale(true),
        TaskVectorParams.INT8_MASK,
        ParamSpec.extension(
            "rescale_by",
            List.of("l1", "probability"),
            "keep the L1 norm, or divide by the probability"));
  }

  /** The rule of a DELLA method. */
  public static TaskVectorRule rule(Params p, Election election, Function function) {
    double[] densities = p.numbers("density");
    int models = densities.length;
    boolean inverse = p.flag("rescale") && p.choice("rescale_by").equals("probability");
    return new TaskVectorRule(
        p.numbers("weight"),
        p.number("lambda"),
        Drop.none(models),
        new RowMask(Kind.RANDOM, densities, p.numbers("epsilon"), inverse),
        Trim.none(models),
        p.flag("rescale") && !inverse,
        election,
        function,
        null);
  }

  /** A probability that is none. */
  public static Optional<String> problem(Params p) {
    double[] densities = p.numbers("density");
    double[] epsilons = p.numbers("epsilon");
    return IntStream.range(0, densities.length)
        .filter(k -> densities[k] < 1)
        .filter(k -> densities[k] - epsilons[k] <= 0 || densities[k] + epsilons[k] >= 1)
        .mapToObj(
            k ->
                "density %s and epsilon %s make probabilities that are not between 0 and 1 (lower"
                        .formatted(densities[k], epsilons[k])
                    + " epsilon)")
        .findFirst();
  }
}
