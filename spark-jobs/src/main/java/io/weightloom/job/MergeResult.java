package io.weightloom.job;

import io.weightloom.io.ContentDigest;
import io.weightloom.merge.MergeState;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.ModelInfo;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.plan.PlannedTensor.Tied;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a merge did, tensor by tensor.
 *
 * @param output the directory
 * @param tensors in the plan's order
 * @param inputDigests by model of the plan: content digest of each tensor that was read, by name
 * @param sideDigests likewise by side table of the plan
 */
public record MergeResult(
    String output,
    List<TensorResult> tensors,
    List<Map<String, String>> inputDigests,
    List<Map<String, String>> sideDigests) {

  /**
   * What became of a tensor.
   *
   * @param planned what was to be done
   * @param digest of its bytes
   * @param counts by name, {@link MergeState#KEPT} being the elements of each model that took part
   * @param decisions thresholds, factors
   */
  public record TensorResult(
      PlannedTensor planned,
      String digest,
      Map<String, List<Long>> counts,
      Map<String, Object> decisions) {

    /** Elements of each model that took part; empty where none was dropped. */
    public List<Long> kept() {
      return counts.getOrDefault(MergeState.KEPT, List.of());
    }

    /** Share of each model's elements that took part. */
    public List<Double> realisedDensity() {
      double n = planned.output().elements();
      return kept().stream().map(k -> k / n).toList();
    }
  }

  static MergeResult of(
      PreparedMerge merge,
      MergeRequest request,
      Map<Integer, Map<String, Object>> ofScopes,
      List<Work.Emitted> emitted) {
    MergePlan plan = merge.plan();
    Map<Integer, List<Work.Emitted>> byTensor = new TreeMap<>();
    emitted.forEach(e -> byTensor.computeIfAbsent(e.tensor(), t -> new ArrayList<>()).add(e));
    Map<Integer, Map<String, Object>> decisions = decisions(ofScopes, emitted);
    List<Map<String, String>> inputs = new ArrayList<>();
    plan.models().forEach(m -> inputs.add(new TreeMap<>()));
    List<Map<String, String>> sides = new ArrayList<>();
    plan.sideTables().forEach(t -> sides.add(new TreeMap<>()));
    List<TensorResult> results = new ArrayList<>();
    for (int i = 0; i < plan.tensors().size(); i++) {
      PlannedTensor planned = plan.tensors().get(i);
      int written = planned instanceof Tied tied ? tied.to() : i;
      List<Work.Emitted> parts = byTensor.getOrDefault(written, List.of());
      long[] grains = parts.stream().flatMapToLong(p -> Arrays.stream(p.outputGrains())).toArray();
      results.add(
          new TensorResult(
              planned,
              ContentDigest.tensor(grains),
              counts(parts),
              decisions.getOrDefault(i, Map.of())));
      digestInputs(plan, planned, parts, inputs, sides);
    }
    return new MergeResult(request.output().toString(), results, inputs, sides);
  }

  private static Map<Integer, Map<String, Object>> decisions(
      Map<Integer, Map<String, Object>> ofScopes, List<Work.Emitted> emitted) {
    Map<Integer, Map<String, Object>> decisions = new HashMap<>(ofScopes);
    for (Work.Emitted e : emitted) {
      Map<String, Object> decided = e.decisions();
      if (decided != null) {
        decisions.put(e.tensor(), decided);
      }
    }
    return decisions;
  }

  private static Map<String, List<Long>> counts(List<Work.Emitted> parts) {
    Map<String, long[]> sums = new TreeMap<>();
    for (Work.Emitted part : parts) {
      part.counts().forEach((name, counts) -> sums.merge(name, counts, MergeResult::sum));
    }
    Map<String, List<Long>> counts = new TreeMap<>();
    sums.forEach((name, sum) -> counts.put(name, Arrays.stream(sum).boxed().toList()));
    return counts;
  }

  private static long[] sum(long[] a, long[] b) {
    long[] sum = a.clone();
    Arrays.setAll(sum, i -> a[i] + b[i]);
    return sum;
  }

  private static void digestInputs(
      MergePlan plan,
      PlannedTensor planned,
      List<Work.Emitted> parts,
      List<Map<String, String>> inputs,
      List<Map<String, String>> sides) {
    if (planned instanceof Copied c) {
      inputs.get(c.model()).put(c.source().name(), digest(parts, 0));
    } else if (planned instanceof Merged m) {
      int models = m.models().size();
      for (int k = 0; k < models; k++) {
        String name = read(plan.models().get(m.models().get(k)), m.merge().inputs().get(k).spec());
        inputs.get(m.models().get(k)).put(name, digest(parts, k));
      }
      for (int s = 0; s < m.sides().size(); s++) {
        String name = m.merge().sides().get(s).spec().name();
        sides.get(m.sides().get(s)).put(name, digest(parts, models + s));
      }
      var base = m.merge().base();
      if (base != null) {
        inputs
            .get(m.baseModel())
            .put(
                read(plan.models().get(m.baseModel()), base),
                digest(parts, models + m.sides().size()));
      }
    }
  }

  /** What was read of a model: a tensor, or of a larger one a part that has its shape said. */
  private static String read(ModelInfo model, TensorSpec seen) {
    TensorSpec stored = model.tensors().get(seen.name());
    boolean whole = stored == null || stored.shape().equals(seen.shape());
    return whole ? seen.name() : seen.name() + seen.shape();
  }

  private static String digest(List<Work.Emitted> parts, int input) {
    return ContentDigest.tensor(
        parts.stream().flatMapToLong(p -> Arrays.stream(p.inputGrains()[input])).toArray());
  }

  /** Mean realised density by model over the tensors from which something was dropped. */
  public Map<String, Double> realisedDensity() {
    Map<String, double[]> sums = new LinkedHashMap<>();
    for (TensorResult t : tensors) {
      if (t.planned() instanceof Merged m) {
        for (int k = 0; k < t.kept().size(); k++) {
          double[] sum =
              sums.computeIfAbsent(m.merge().inputs().get(k).model(), x -> new double[2]);
          sum[0] += t.kept().get(k);
          sum[1] += t.planned().output().elements();
        }
      }
    }
    Map<String, Double> densities = new LinkedHashMap<>();
    sums.forEach((model, sum) -> densities.put(model, sum[0] / sum[1]));
    return densities;
  }
}
