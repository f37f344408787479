package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.prune.Budget;
import io.weightloom.prune.Budget.Prunable;
import io.weightloom.prune.DistortionPlan;
import io.weightloom.prune.DistortionPlan.Curve;
import io.weightloom.prune.Lamp;
import io.weightloom.prune.Magnitudes;
import io.weightloom.prune.Outliers;
import io.weightloom.stats.BlockData;
import io.weightloom.stats.MagnitudeHistogram;
import io.weightloom.tensor.TensorName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.spark.SparkContext;

/** Sparsities by tensor for a model, from its shapes or from a read of its weights. */
public final class PruneBudgets {
  private static final int LEVELS = 100;

  /** How the sparsity of a model is shared out. */
  public enum Kind {
    NONE,
    UNIFORM_PLUS,
    ER,
    ERK,
    LAMP,
    OWL,
    DISTORTION;

    /** Whether weights are read for it. */
    public boolean readsWeights(boolean hasCurves) {
      return this == LAMP || this == OWL || (this == DISTORTION && !hasCurves);
    }
  }

  private final ModelDir model;
  private final List<Prunable> tensors;
  private final double sparsity;

  public PruneBudgets(ModelDir model, List<Prunable> tensors, double sparsity) {
    this.model = model;
    this.tensors = tensors;
    this.sparsity = sparsity;
  }

  /** Weights pruned by tensor, for what shapes decide; empty for {@link Kind#NONE}. */
  public Map<String, Long> ofShapes(Kind kind) {
    return switch (kind) {
      case UNIFORM_PLUS -> Budget.uniformPlus(tensors, sparsity);
      case ER -> Budget.erdosRenyi(tensors, sparsity, false);
      case ERK -> Budget.erdosRenyi(tensors, sparsity, true);
      default -> Map.of();
    };
  }

  /** Weights pruned by tensor, by one threshold of LAMP scores. */
  public Map<String, Long> lamp(SparkContext spark, Progress progress) {
    return Lamp.pruned(histograms(spark, progress), sparsity);
  }

  /** Weights pruned by tensor, with the least sum of squares: a model-wide threshold, by levels. */
  public Map<String, Long> distortion(SparkContext spark, Progress progress) {
    List<Curve> curves = new ArrayList<>();
    histograms(spark, progress).forEach((t, h) -> curves.add(Curve.ofMagnitudes(t, h, LEVELS)));
    return DistortionPlan.pruned(curves, sparsity);
  }

  /**
   * Weights pruned by tensor, with the least distortion of curves that were measured elsewhere.
   *
   * @param file JSON: by tensor a list of [share pruned, distortion], ascending
   * @throws WeightloomException if it is not that, or lacks a tensor
   */
  public Map<String, Long> distortion(Path file) {
    JsonNode root;
    try {
      root = new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw WeightloomException.usage(
          "Cannot read the distortion curves %s: %s (it must be JSON: {tensor: [[share, distortion], …]})"
              .formatted(file, e.getMessage()));
    }
    List<Curve> curves = new ArrayList<>();
    for (Prunable tensor : tensors) {
      JsonNode points = root.path(tensor.name());
      if (!points.isArray() || points.isEmpty()) {
        throw WeightloomException.input(
            "Cannot plan by the distortion curves %s: they lack %s (measure it, or choose other --targets)"
                .formatted(file, tensor.name()));
      }
      curves.add(curve(file, tensor, points));
    }
    return DistortionPlan.pruned(curves, sparsity);
  }

  private static Curve curve(Path file, Prunable tensor, JsonNode points) {
    TreeMap<Double, Double> curve = new TreeMap<>();
    for (JsonNode point : points) {
      double share = point.path(0).asDouble(-1);
      double cost = point.path(1).asDouble(Double.NaN);
      if (!(share >= 0 && share <= 1) || !Double.isFinite(cost)) {
        throw WeightloomException.input(
            "Cannot plan by the distortion curves %s: %s has the point %s (give a share from 0 to 1 and a finite distortion)"
                .formatted(file, tensor.name(), point));
      }
      curve.put(share, cost);
    }
    curve.putIfAbsent(0.0, 0.0);
    long n = tensor.elements();
    return new Curve(
        tensor.name(),
        n,
        curve.keySet().stream().mapToLong(s -> Math.round(s * n)).toArray(),
        curve.values().stream().mapToDouble(d -> d).toArray());
  }

  /** The magnitudes of each tensor: one read of the weights. */
  public Map<String, MagnitudeHistogram> histograms(SparkContext spark, Progress progress) {
    List<MagnitudeHistogram> found =
        ScanJob.run(spark, "magnitudes", locations(), new Magnitudes(), progress);
    Map<String, MagnitudeHistogram> histograms = new LinkedHashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      MagnitudeHistogram h = found.get(i);
      if (h.nans() + h.infs() > 0) {
        throw WeightloomException.input(
            "Cannot plan the pruning of %s: %s holds %d NaN and %d infinities (mend the model)"
                .formatted(model.path(), tensors.get(i).name(), h.nans(), h.infs()));
      }
      histograms.put(tensors.get(i).name(), h);
    }
    return histograms;
  }

  private List<List<TensorLocation>> locations() {
    return tensors.stream()
        .map(t -> List.of(Objects.requireNonNull(model.tensors().get(t.name()))))
        .toList();
  }

  /**
   * OWL's sparsity by tensor: that of its layer.
   *
   * @param table of the inputs' norms
   * @param lambda how far sparsities may differ
   * @param m how many means an outlier is above
   */
  public Map<String, Double> owl(
      SparkContext spark, String table, double lambda, double m, Progress progress) {
    Map<String, double[]> norms = norms(table);
    List<Outliers.Found> sums =
        ScanJob.run(spark, "scores", locations(), new Outliers(norms, Map.of()), progress);
    Map<String, List<Integer>> blocks = blocks();
    Map<String, Double> limits = new TreeMap<>();
    blocks.forEach(
        (block, members) -> {
          double sum = members.stream().mapToDouble(i -> sums.get(i).sum()).sum();
          double n = members.stream().mapToDouble(i -> sums.get(i).elements()).sum();
          members.forEach(i -> limits.put(tensors.get(i).name(), m * sum / n));
        });
    List<Outliers.Found> found =
        ScanJob.run(spark, "outliers", locations(), new Outliers(norms, limits), progress);
    double[] outliers =
        blocks.values().stream()
            .mapToDouble(
                members ->
                    members.stream().mapToDouble(i -> found.get(i).above()).sum()
                        / members.stream().mapToDouble(i -> found.get(i).elements()).sum())
            .toArray();
    double[] sparsities = Budget.owl(sparsity, outliers, lambda);
    Map<String, Double> byTensor = new LinkedHashMap<>();
    int block = 0;
    for (List<Integer> members : blocks.values()) {
      for (int i : members) {
        byTensor.put(tensors.get(i).name(), sparsities[block]);
      }
      block++;
    }
    return byTensor;
  }

  /** The tensors by their layer, in natural order. */
  private Map<String, List<Integer>> blocks() {
    Map<String, List<Integer>> blocks = new LinkedHashMap<>();
    for (int i = 0; i < tensors.size(); i++) {
      String name = tensors.get(i).name();
      Optional<TensorName.Layer> layer = TensorName.layer(name);
      if (layer.isEmpty()) {
        throw WeightloomException.usage(
            "Cannot plan by OWL: %s belongs to no layer (choose --targets layers)".formatted(name));
      }
      blocks
          .computeIfAbsent(layer.get().stack() + "." + layer.get().index(), b -> new ArrayList<>())
          .add(i);
    }
    return blocks;
  }

  private Map<String, double[]> norms(String path) {
    ModelDir table = ModelDir.open(path, Profile.REFERENCE);
    Map<String, double[]> norms = new TreeMap<>();
    for (Prunable tensor : tensors) {
      TensorLocation at = table.tensors().get(tensor.name());
      long columns = tensor.dims().get(tensor.dims().size() - 1);
      if (at == null || at.spec().elements() != columns || !at.spec().dtype().isComputed()) {
        throw WeightloomException.input(
            "Cannot plan by OWL: the table %s has %s for %s, not %d norms (compute it for every layer)"
                .formatted(path, at == null ? "nothing" : at.spec(), tensor.name(), columns));
      }
      byte[] bytes = new byte[Math.toIntExact(at.end() - at.begin())];
      try (ByteSource source = Storage.of(at.file()).open(at.file())) {
        source.readFully(at.begin(), bytes, 0, bytes.length);
      }
      BlockData data = BlockData.of(at.spec().dtype(), bytes);
      double[] values = new double[data.count()];
      Arrays.setAll(values, data::at);
      for (double v : values) {
        if (!(v >= 0) || Double.isInfinite(v)) {
          throw WeightloomException.input(
              "Cannot plan by OWL: the table %s holds %s in %s, and norms are neither negative nor infinite (compute the table again)"
                  .formatted(path, v, tensor.name()));
        }
      }
      norms.put(tensor.name(), values);
    }
    return norms;
  }
}
