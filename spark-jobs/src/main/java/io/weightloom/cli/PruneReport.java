package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.job.Json;
import io.weightloom.job.MergeResult;
import io.weightloom.job.PrunedCounts;
import io.weightloom.job.Units;
import io.weightloom.plan.MergePlan;

/**
 * What {@code prune} says of a pruning that is done.
 *
 * @param plan what was written
 * @param output the directory
 * @param counts how much went
 */
record PruneReport(MergePlan plan, String output, PrunedCounts counts) {

  static PruneReport of(MergePlan plan, MergeResult result) {
    return new PruneReport(plan, result.output(), PrunedCounts.of(result));
  }

  /** For programs. */
  String json(double seconds) {
    ObjectNode out = Json.object();
    out.put("output", output);
    out.put("method", plan.method());
    out.put("tensors", plan.tensors().size());
    out.put("pruned_tensors", counts.tensors());
    out.put("weights", counts.weights());
    out.put("pruned", counts.pruned());
    out.put("sparsity", counts.sparsity());
    out.put("seconds", Math.round(seconds * 1000) / 1000.0);
    out.set("warnings", Json.tree(plan.warnings()));
    return Json.prettyText(out);
  }

  /** For people. */
  String text(double seconds) {
    return "pruned %d of %d weights (%.4f %%) of %d tensors, wrote %s by %s in %.1f s: %s%n"
        .formatted(
            counts.pruned(),
            counts.weights(),
            100 * counts.sparsity(),
            counts.tensors(),
            Units.bytes(plan.outputBytes()),
            plan.method(),
            seconds,
            output);
  }
}
