package io.weightloom.job;

import io.weightloom.job.MergeResult.TensorResult;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.ModelInfo;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.prune.PruneParams;
import io.weightloom.tensor.TensorName;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The card of a model: front matter that the hub reads, what was made of what, the recipe. */
final class ModelCard {
  private final PreparedMerge merge;
  private final MergeRequest request;
  private final PrunedCounts counts;
  private final MergeResult result;

  ModelCard(PreparedMerge merge, MergeRequest request, MergeResult result) {
    this.merge = merge;
    this.request = request;
    this.result = result;
    this.counts = PrunedCounts.of(result);
  }

  private boolean isPruning() {
    return counts.tensors() > 0;
  }

  String text() {
    MergePlan plan = merge.plan();
    StringBuilder card = new StringBuilder("---\nbase_model:\n");
    for (ModelInfo model : plan.models()) {
      card.append("- ").append(Json.text(model.reference())).append('\n');
    }
    // Of a pruning the hub knows no name.
    card.append(isPruning() ? "" : "base_model_relation: merge\n")
        .append("library_name: transformers\n")
        .append(isPruning() ? "tags:\n- pruned\n" : "tags:\n- mergekit\n- merge\n")
        .append("- weightloom\n---\n\n# ")
        .append(request.output().toAbsolutePath().normalize().getFileName())
        .append("\n\n")
        .append(isPruning() ? pruning() : merging())
        .append("\nNumerics: ")
        .append(plan.numerics().label())
        .append(", seed ")
        .append(plan.seed())
        .append(". Every decision and digest is in `")
        .append(Manifest.FILE)
        .append("`.\n\n## Recipe\n\n```yaml\n")
        .append(request.recipe().text().stripTrailing())
        .append("\n```\n");
    return card.toString();
  }

  private String merging() {
    return "A merge of these models by `%s`, made with Weightloom %s:\n\n"
            .formatted(merge.plan().method(), Manifest.version())
        + models();
  }

  private String models() {
    StringBuilder list = new StringBuilder();
    merge.plan().models().forEach(m -> list.append("- ").append(m.reference()).append('\n'));
    return list.toString();
  }

  private String pruning() {
    return "%s by `%s`, made with Weightloom %s: %d of %d weights (%s) of %d tensors %s.\n\n"
            .formatted(
                isMask() ? "The mask of a pruning" : "A pruning",
                merge.plan().method(),
                Manifest.version(),
                counts.pruned(),
                counts.weights(),
                percent(counts),
                counts.tensors(),
                isMask() ? "go" : "were set to 0")
        + (merge.plan().models().size() > 1
            ? "The first of these models said which, the weights are those of the last:\n\n"
            : "")
        + models()
        + "\n| tensors | how many | weights | pruned | share |\n|---|---|---|---|---|\n"
        + byRole();
  }

  private boolean isMask() {
    return merge.plan().tensors().stream()
        .anyMatch(t -> t instanceof Merged m && PruneParams.isMask(m.merge().params()));
  }

  /** A row for the tensors of all layers that are for the same. */
  private String byRole() {
    Map<String, PrunedCounts> roles = new LinkedHashMap<>();
    for (TensorResult t : result.tensors()) {
      PrunedCounts of = PrunedCounts.of(t);
      if (of.tensors() > 0) {
        roles.merge(TensorName.role(t.planned().output().name()), of, PrunedCounts::plus);
      }
    }
    StringBuilder rows = new StringBuilder();
    roles.forEach(
        (role, of) ->
            rows.append(
                "| %s | %d | %d | %d | %s |\n"
                    .formatted(role, of.tensors(), of.weights(), of.pruned(), percent(of))));
    return rows.toString();
  }

  private static String percent(PrunedCounts counts) {
    return String.format(Locale.ROOT, "%.2f %%", 100 * counts.sparsity());
  }
}
