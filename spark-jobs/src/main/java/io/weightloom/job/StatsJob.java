package io.weightloom.job;

import io.weightloom.analysis.Scan;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.TensorLocation;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.stats.ColumnScan;
import io.weightloom.stats.PartReport;
import io.weightloom.stats.PartScan;
import io.weightloom.stats.PartStats;
import io.weightloom.stats.Reading;
import io.weightloom.stats.RefiningScan;
import io.weightloom.stats.RowDistanceReport;
import io.weightloom.stats.RowDistanceScan;
import io.weightloom.stats.RowMeansScan;
import io.weightloom.stats.RowSet;
import io.weightloom.stats.TensorReport;
import io.weightloom.stats.TensorReport.Stored;
import io.weightloom.stats.TensorSketch;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.spark.SparkContext;

/** Statistics of a model's tensors. F32 and F64 are read again for what one read leaves open. */
public final class StatsJob {
  private final SparkContext spark;
  private final Progress progress;

  public StatsJob(SparkContext spark, Progress progress) {
    this.spark = spark;
    this.progress = progress;
  }

  /**
   * A report of each tensor, in the order given; of one without floating-point values only why.
   *
   * @param model what reports call the model
   * @param once whether F32 and F64 are read once, too, and their quantiles are the least
   *     magnitudes of bins 0.8 % wide
   */
  public List<TensorReport> tensors(
      String model, Collection<TensorLocation> tensors, boolean once) {
    List<TensorLocation> known =
        tensors.stream().filter(t -> TensorSketch.knows(t.spec().dtype())).toList();
    List<StatsScan.Found> first = run("statistics", known, new StatsScan());
    Map<String, Reading> readings = new HashMap<>();
    Map<String, Stored> stored = new HashMap<>();
    for (int i = 0; i < first.size(); i++) {
      String name = known.get(i).spec().name();
      readings.put(name, first.get(i).reading());
      stored.put(name, first.get(i).stored());
    }
    if (!once) {
      refine(known, readings);
    }
    List<TensorReport> reports = new ArrayList<>();
    for (TensorLocation tensor : tensors) {
      Reading reading = readings.get(tensor.spec().name());
      reports.add(
          reading == null
              ? TensorReport.skipped(model, tensor.spec())
              : TensorReport.of(
                  model,
                  reading.stats(),
                  Objects.requireNonNull(stored.get(tensor.spec().name()))));
    }
    return reports;
  }

  /** Reads what is pending again, until nothing is. */
  private void refine(List<TensorLocation> known, Map<String, Reading> readings) {
    while (true) {
      Map<String, Reading> pending = new LinkedHashMap<>(readings);
      pending.values().removeIf(reading -> !reading.isPending());
      if (pending.isEmpty()) {
        return;
      }
      List<TensorLocation> next =
          known.stream().filter(t -> pending.containsKey(t.spec().name())).toList();
      List<Reading> found = run("refining", next, new RefiningScan(pending));
      for (int i = 0; i < found.size(); i++) {
        readings.put(next.get(i).spec().name(), found.get(i));
      }
    }
  }

  /** What a tensor is cut into. */
  public enum Part {
    ROW,
    COLUMN,
    BLOCK
  }

  /**
   * A report of each part of each tensor of BF16, F16, F32 or F64; columns of matrices alone.
   *
   * @param blockElements of a block, unless a row has more
   */
  public List<PartReport> parts(
      String model, Collection<TensorLocation> tensors, Part part, int blockElements) {
    Scan<?, PartStats.Parts> scan =
        switch (part) {
          case ROW -> PartScan.rows();
          case COLUMN -> new ColumnScan();
          case BLOCK -> PartScan.blocks(blockElements);
        };
    List<TensorLocation> seen =
        tensors.stream()
            .filter(t -> t.spec().dtype().isComputed())
            .filter(t -> part == Part.BLOCK || t.spec().shape().rank() >= 2)
            .toList();
    List<PartStats.Parts> found = run("statistics", seen, scan);
    List<PartReport> reports = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      TensorSpec tensor = seen.get(i).spec();
      found.get(i).each().forEach(stats -> reports.add(new PartReport(model, tensor, stats)));
    }
    return reports;
  }

  /**
   * The distances of all rows of each matrix to the mean of unused ones, in two reads.
   *
   * @param unused rows that every matrix has
   * @throws WeightloomException if there is no matrix of BF16, F16, F32 or F64, or one has fewer
   *     rows
   */
  public List<RowDistanceReport> distances(
      String model, Collection<TensorLocation> tensors, RowSet unused) {
    List<TensorLocation> matrices =
        tensors.stream()
            .filter(t -> t.spec().dtype().isComputed())
            .filter(t -> t.spec().shape().rank() >= 2 && t.spec().elements() > 0)
            .toList();
    for (TensorLocation matrix : matrices) {
      long rows = matrix.spec().shape().dims().get(0);
      if (unused.last() >= rows) {
        throw WeightloomException.usage(
            "Cannot take rows %s of %s as unused: it has %d rows (choose the embeddings by --tensors, as '*embed_tokens.weight')"
                .formatted(unused, matrix.spec().name(), rows));
      }
    }
    if (matrices.isEmpty()) {
      throw WeightloomException.usage(
          "Cannot find the distances of rows of %s: none of the %d tensors is a matrix of BF16, F16, F32 or F64 (see --tensors)"
              .formatted(model, tensors.size()));
    }
    List<RowMeansScan.Means> means = run("means", matrices, new RowMeansScan(unused));
    Map<String, RowMeansScan.Means> byName = new HashMap<>();
    for (int i = 0; i < means.size(); i++) {
      byName.put(matrices.get(i).spec().name(), means.get(i));
    }
    List<RowDistanceScan.Found> found = run("distances", matrices, new RowDistanceScan(byName));
    List<RowDistanceReport> reports = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      TensorSpec tensor = matrices.get(i).spec();
      found
          .get(i)
          .each()
          .forEach(
              d -> reports.add(new RowDistanceReport(model, tensor, d, unused.contains(d.row()))));
    }
    return reports;
  }

  private <R extends Serializable> List<R> run(
      String phase, List<TensorLocation> tensors, Scan<?, R> scan) {
    return ScanJob.run(spark, phase, tensors.stream().map(List::of).toList(), scan, progress);
  }
}
