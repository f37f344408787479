package io.weightloom.job;

import io.weightloom.analysis.Scan;
import io.weightloom.compare.Alignment;
import io.weightloom.compare.CompareReport;
import io.weightloom.compare.CompareReport.Compared;
import io.weightloom.compare.CompareScan;
import io.weightloom.compare.LowerBitsScan;
import io.weightloom.compare.ModelThresholds;
import io.weightloom.compare.SubspaceRow;
import io.weightloom.compare.SubspaceScan;
import io.weightloom.compare.Support;
import io.weightloom.compare.SupportScan;
import io.weightloom.compare.TensorComparison;
import io.weightloom.compare.ThresholdScan;
import io.weightloom.compare.Top;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.TensorLocation;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkContext;

/** Compares models: one read of all, two more for the supports of task vectors. */
public final class CompareJob {
  private final SparkContext spark;
  private final Progress progress;

  public CompareJob(SparkContext spark, Progress progress) {
    this.spark = spark;
    this.progress = progress;
  }

  /**
   * Compares.
   *
   * @param names what the report calls the models
   * @param models their tensors by name; the base first if there is one
   * @param top the elements of a task vector that are its support; {@link Top#NONE} for no supports
   * @throws WeightloomException if the model's largest elements are asked for, and no tensor is in
   *     all models
   */
  public CompareReport run(
      List<String> names, List<Map<String, TensorLocation>> models, boolean hasBase, Top top) {
    Alignment alignment = align(names, models, hasBase);
    List<List<TensorLocation>> tensors =
        alignment.groups().stream().map(group -> at(group, models)).toList();
    List<TensorComparison> found = scan("comparing", tensors, new CompareScan(hasBase, top));
    Map<String, Support> supports = Map.of();
    if (hasBase && top.isWanted()) {
      supports =
          supports(
              tensors,
              top.ofModel()
                  ? modelThresholds(models.size(), tensors, found, top)
                  : thresholds(tensors, found));
    }
    List<Compared> compared = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      Alignment.Group group = alignment.groups().get(i);
      compared.add(new Compared(group, found.get(i), supports.get(group.name())));
    }
    return new CompareReport(names, hasBase, compared, alignment.unmatched());
  }

  private static Alignment align(
      List<String> names, List<Map<String, TensorLocation>> models, boolean hasBase) {
    List<Map<String, TensorSpec>> specs = new ArrayList<>();
    for (Map<String, TensorLocation> model : models) {
      Map<String, TensorSpec> tensors = new LinkedHashMap<>();
      model.forEach((name, at) -> tensors.put(name, at.spec()));
      specs.add(tensors);
    }
    return Alignment.of(specs, names, hasBase);
  }

  private static List<TensorLocation> at(
      Alignment.Group group, List<Map<String, TensorLocation>> models) {
    return group.models().stream().map(k -> models.get(k).get(group.name())).toList();
  }

  /**
   * The overlap of the leading singular directions of task vectors, a task a tensor; another read.
   *
   * @param names what the rows call the models
   * @param models their tensors by name, the base first
   * @param directions how many of the leading ones
   * @return a row for each pair of models of each tensor that two models and the base have, or one
   *     that says why it has no subspaces
   */
  public List<SubspaceRow> subspaces(
      List<String> names, List<Map<String, TensorLocation>> models, int directions) {
    List<SubspaceRow> rows = new ArrayList<>();
    List<Alignment.Group> groups = new ArrayList<>();
    List<List<TensorLocation>> tensors = new ArrayList<>();
    for (Alignment.Group group : align(names, models, true).groups()) {
      List<TensorLocation> at = at(group, models);
      String reason = SubspaceScan.reason(at.get(0).spec());
      if (group.models().size() > 2 && reason == null) {
        groups.add(group);
        tensors.add(at);
      } else if (group.models().size() > 2) {
        rows.add(new SubspaceRow(group.name(), at.get(0).spec(), "", "", null, reason));
      }
    }
    List<SubspaceScan.Found> found =
        scan("subspaces", tensors, new SubspaceScan(directions, LinAlgRegistry.get().name()));
    for (int i = 0; i < found.size(); i++) {
      Alignment.Group group = groups.get(i);
      TensorSpec tensor = tensors.get(i).get(0).spec();
      if (found.get(i).reason() != null) {
        rows.add(new SubspaceRow(group.name(), tensor, "", "", null, found.get(i).reason()));
      }
      for (SubspaceScan.Overlap overlap : found.get(i).overlaps()) {
        rows.add(
            new SubspaceRow(
                group.name(),
                tensor,
                names.get(group.models().get(overlap.first())),
                names.get(group.models().get(overlap.second())),
                overlap,
                null));
      }
    }
    return rows;
  }

  /** Where the largest elements begin in each tensor's task vectors, by the tensor's name. */
  private Map<String, List<Float>> thresholds(
      List<List<TensorLocation>> tensors, List<TensorComparison> found) {
    Map<String, List<TensorComparison.Cut>> cuts = new HashMap<>();
    found.forEach(f -> cuts.put(f.name(), f.cuts()));
    List<ThresholdScan.Thresholds> each = scan("thresholds", tensors, new ThresholdScan(cuts));
    Map<String, List<Float>> thresholds = new HashMap<>();
    for (int i = 0; i < each.size(); i++) {
      thresholds.put(found.get(i).name(), each.get(i).each());
    }
    return thresholds;
  }

  /** Where they begin in whole task vectors, for each tensor that all models have. */
  private Map<String, List<Float>> modelThresholds(
      int models, List<List<TensorLocation>> tensors, List<TensorComparison> found, Top top) {
    List<List<TensorLocation>> inAll = tensors.stream().filter(t -> t.size() == models).toList();
    if (inAll.isEmpty()) {
      throw WeightloomException.input(
          "Cannot find the largest elements of whole models: none of the %d tensors that were compared is in all %d models (leave --top-scope out, or compare fewer models)"
              .formatted(tensors.size(), models));
    }
    List<TensorComparison> ofAll =
        found.stream().filter(f -> f.tensors().size() == models).toList();
    List<TensorComparison.Cut> cuts = ModelThresholds.cuts(ofAll, top);
    List<Float> thresholds =
        ModelThresholds.thresholds(cuts, scan("thresholds", inAll, new LowerBitsScan(cuts)));
    Map<String, List<Float>> each = new HashMap<>();
    ofAll.forEach(f -> each.put(f.name(), thresholds));
    return each;
  }

  private Map<String, Support> supports(
      List<List<TensorLocation>> compared, Map<String, List<Float>> thresholds) {
    List<List<TensorLocation>> tensors =
        compared.stream().filter(t -> thresholds.containsKey(t.get(0).spec().name())).toList();
    List<Support> all = scan("supports", tensors, new SupportScan(thresholds));
    Map<String, Support> supports = new HashMap<>();
    for (int i = 0; i < all.size(); i++) {
      supports.put(tensors.get(i).get(0).spec().name(), all.get(i));
    }
    return supports;
  }

  private <R extends Serializable> List<R> scan(
      String phase, List<List<TensorLocation>> tensors, Scan<?, R> scan) {
    return ScanJob.run(spark, phase, tensors, scan, progress);
  }
}
