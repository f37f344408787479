package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.job.Json;
import io.weightloom.job.PruneJob;
import io.weightloom.job.PrunedCounts;
import io.weightloom.job.Units;
import io.weightloom.plan.MergePlan;
import java.nio.file.Path;

/**
 * What {@code prune} says of a pruning that is done.
 *
 * @param plan what was pruned
 * @param output the directory
 * @param written how much went, and what is left
 */
record PruneReport(MergePlan plan, Path output, PruneJob.Written written) {

  /** For programs. */
  String json(double seconds) {
    PrunedCounts counts = written.counts();
    ObjectNode out = Json.object();
    out.put("output", output.toString());
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
    PrunedCounts counts = written.counts();
    return "pruned %d of %d weights (%.4f %%) of %d tensors, wrote %s by %s in %.1f s: %s%n"
        .formatted(
            counts.pruned(),
            counts.weights(),
            100 * counts.sparsity(),
            counts.tensors(),
            Units.bytes(written.bytes()),
            plan.method(),
            seconds,
            output);
  }
}
