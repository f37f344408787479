package io.weightloom.merge.taskvector;

import io.weightloom.merge.Numerics;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.RowMask.Kind;
import io.weightloom.merge.taskvector.TaskVectorRule.Drop;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Function;
import io.weightloom.merge.taskvector.TaskVectorRule.Keep;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** What the Breadcrumbs methods take and what it means. */
public final class BreadcrumbsRule {

  private BreadcrumbsRule() {}

  /** What the Breadcrumbs methods take. */
  public static List<ParamSpec> parameters() {
    return List.of(
        TaskVectorParams.WEIGHT,
        TaskVectorParams.DENSITY,
        ParamSpec.perModel("gamma", "share of the largest magnitudes to drop")
            .within(TaskVectorParams.SHARE)
            .orElse(0.01),
        TaskVectorParams.LAMBDA,
        TaskVectorParams.normalize(false),
        TaskVectorParams.rescale(false),
        TaskVectorParams.INT8_MASK,
        ParamSpec.extension(
            "over",
            List.of("tensor", "row", "row_density_first"),
            "what the shares are taken of; the last drops the largest of what the density keeps"));
  }

  /** The rule of a Breadcrumbs method. */
  public static TaskVectorRule rule(TensorMerge tensor, Election election, Function function) {
    Params p = tensor.params();
    double[] densities = p.numbers("density");
    double[] gammas = p.numbers("gamma");
    int models = densities.length;
    boolean byRow = !p.choice("over").equals("tensor");
    double[] kept = TaskVectorRule.ones(models);
    for (int k = 0; k < models && !byRow; k++) {
      if (vanishes(tensor, k)
          || (densities[k] < 1 && (long) (densities[k] * tensor.elements()) == 0)) {
        kept[k] = 0;
        densities[k] = 1;
      }
    }
    return new TaskVectorRule(
        p.numbers("weight"),
        p.number("lambda"),
        Drop.of(kept, false),
        byRow
            ? new RowMask(
                p.choice("over").equals("row") ? Kind.BELOW_OUTLIERS : Kind.WITHOUT_OUTLIERS,
                densities,
                gammas,
                false)
            : RowMask.none(models),
        byRow ? Trim.none(models) : new Trim(densities, Keep.BELOW_OUTLIERS, false, gammas),
        p.flag("rescale"),
        election,
        function,
        null);
  }

  /** mergekit keeps nothing where γ drops nothing: its slice that should end there is empty. */
  private static boolean vanishes(TensorMerge tensor, int model) {
    double density = tensor.params().numbers("density")[model];
    double gamma = tensor.params().numbers("gamma")[model];
    return tensor.numerics() == Numerics.MERGEKIT
        && tensor.params().choice("over").equals("tensor")
        && density < 1
        && Trim.outliers(density, gamma, tensor.elements()) == 0;
  }

  /** Says where mergekit's numerics lose a task vector. */
  public static Optional<String> warning(TensorMerge tensor) {
    return IntStream.range(0, tensor.inputs().size()).anyMatch(k -> vanishes(tensor, k))
        ? Optional.of(
            "tensors of which gamma drops no element keep their base: so does mergekit (merge"
                + " without --numerics mergekit, or raise gamma)")
        : Optional.empty();
  }
}
