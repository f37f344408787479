package io.weightloom.job;

import io.weightloom.analysis.Scan;
import io.weightloom.compare.Alignment;
import io.weightloom.compare.CompareReport;
import io.weightloom.compare.CompareReport.Compared;
import io.weightloom.compare.CompareScan;
import io.weightloom.compare.Support;
import io.weightloom.compare.SupportScan;
import io.weightloom.compare.TensorComparison;
import io.weightloom.compare.ThresholdScan;
import io.weightloom.io.TensorLocation;
import io.weightloom.job.MergeRequest.Progress;
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
   * @param share of the elements of a task vector that are its support; 0 for no supports
   */
  public CompareReport run(
      List<String> names, List<Map<String, TensorLocation>> models, boolean hasBase, double share) {
    List<Map<String, TensorSpec>> specs = new ArrayList<>();
    for (Map<String, TensorLocation> model : models) {
      Map<String, TensorSpec> tensors = new LinkedHashMap<>();
      model.forEach((name, at) -> tensors.put(name, at.spec()));
      specs.add(tensors);
    }
    Alignment alignment = Alignment.of(specs, names, hasBase);
    List<List<TensorLocation>> tensors = new ArrayList<>();
    for (Alignment.Group group : alignment.groups()) {
      tensors.add(group.models().stream().map(k -> models.get(k).get(group.name())).toList());
    }
    List<TensorComparison> found = scan("comparing", tensors, new CompareScan(hasBase, share));
    Map<String, Support> supports = hasBase && share > 0 ? supports(tensors, found) : Map.of();
    List<Compared> compared = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      Alignment.Group group = alignment.groups().get(i);
      compared.add(new Compared(group, found.get(i), supports.get(group.name())));
    }
    return new CompareReport(names, hasBase, compared, alignment.unmatched());
  }

  private Map<String, Support> supports(
      List<List<TensorLocation>> tensors, List<TensorComparison> found) {
    Map<String, List<TensorComparison.Cut>> cuts = new HashMap<>();
    found.forEach(f -> cuts.put(f.name(), f.cuts()));
    List<ThresholdScan.Thresholds> each = scan("thresholds", tensors, new ThresholdScan(cuts));
    Map<String, List<Float>> thresholds = new HashMap<>();
    for (int i = 0; i < each.size(); i++) {
      thresholds.put(found.get(i).name(), each.get(i).each());
    }
    List<Support> all = scan("supports", tensors, new SupportScan(thresholds));
    Map<String, Support> supports = new HashMap<>();
    for (int i = 0; i < all.size(); i++) {
      supports.put(found.get(i).name(), all.get(i));
    }
    return supports;
  }

  private <R extends Serializable> List<R> scan(
      String phase, List<List<TensorLocation>> tensors, Scan<?, R> scan) {
    return ScanJob.run(spark, phase, tensors, scan, progress);
  }
}
