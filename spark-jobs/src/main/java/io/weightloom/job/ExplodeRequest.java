package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.Storage;
import io.weightloom.io.table.BlockRow;
import io.weightloom.io.table.Compression;
import io.weightloom.job.MergeRequest.Progress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Models to be written as block tables.
 *
 * @param models references of models
 * @param names what the table calls them, in the order of the models; empty for their own names
 * @param table the directory of the table
 * @param blockElements the target of the cut, see {@link io.weightloom.tensor.BlockCut#of}
 * @param compression how blocks are packed
 * @param overwrite whether a model that the table has is replaced
 * @param progress told of what has been done
 */
public record ExplodeRequest(
    List<String> models,
    List<String> names,
    String table,
    int blockElements,
    Compression compression,
    boolean overwrite,
    Progress progress) {

  public ExplodeRequest {
    models = List.copyOf(models);
    names = List.copyOf(names);
  }

  /** Reads the headers of all models and sees that each may be written. */
  List<ExplodePlan> plans(long partBytes) {
    requireOptions();
    List<ExplodePlan> plans = new ArrayList<>();
    Map<String, String> seen = new HashMap<>();
    for (int i = 0; i < models.size(); i++) {
      ExplodePlan plan =
          ExplodePlan.of(
              models.get(i),
              names.isEmpty() ? null : names.get(i),
              blockElements,
              compression,
              partBytes);
      String other = seen.put(plan.name(), models.get(i));
      if (other != null) {
        throw WeightloomException.usage(
            "Cannot explode %s: the table would call it %s, as it does %s (pass --name for each model)"
                .formatted(models.get(i), plan.name(), other));
      }
      if (!isThere(plan)) {
        StagedPartition.check(Path.of(table), plan.name(), overwrite);
      }
      plans.add(plan);
    }
    return plans;
  }

  /** Whether the table has exactly this already, as when a run of several models was killed. */
  boolean isThere(ExplodePlan plan) {
    return StagedPartition.existing(Path.of(table), plan.name())
        .filter(l -> l.plan().equals(plan.layout().plan()))
        .isPresent();
  }

  private void requireOptions() {
    if (!names.isEmpty() && names.size() != models.size()) {
      throw WeightloomException.usage(
          "Cannot explode %d models under %d names: each has one (pass --name once for each, in their order)"
              .formatted(models.size(), names.size()));
    }
    if (!Storage.scheme(table).isEmpty()) {
      throw WeightloomException.usage(
          "Cannot write the table %s: tables are written to paths that all executors see, without a scheme (write there and copy it, or write the rows of format(\"checkpoint\") with Spark)"
              .formatted(table));
    }
    for (String name : names) {
      if (name.isBlank()) {
        throw WeightloomException.usage(
            "Cannot name a model '%s': the name is blank (give another by --name)".formatted(name));
      }
    }
    if (blockElements < 8 || blockElements > BlockRow.MAX_ELEMENTS) {
      throw WeightloomException.usage(
          "Cannot cut blocks of %d bytes: they must have 16 to %d (try 1m)"
              .formatted(2L * blockElements, 2L * BlockRow.MAX_ELEMENTS));
    }
  }

  /** Fails at once if something is wrong, before anything is started for it. */
  public void require() {
    plans(0);
  }
}
