package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.BaseFiles;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.UnitSelection;
import io.weightloom.io.UnitSelection.Merging;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.prune.Counting;
import io.weightloom.prune.CoupledUnits;
import io.weightloom.prune.CoupledUnits.Kind;
import io.weightloom.prune.CoupledUnits.Layer;
import io.weightloom.prune.CoupledUnits.Part;
import io.weightloom.prune.FeatureScan;
import io.weightloom.prune.UnitNorms;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/**
 * Takes units out of every layer of a model, as many of each, those of least norm or of least score
 * in a table: inner channels of the perceptron, or key and value heads with the query heads that
 * read them. The norm of a unit is that of all the weights that go with it, as one vector. Channels
 * may go into those that they are nearest to instead of away ({@link FeatureScan}).
 */
public final class UnitRemoval {

  /**
   * How many go.
   *
   * @param kind of what
   * @param amount a whole number, or a share below 1 with a point in it; of heads, query heads
   * @param scores JSON: a list a layer of a number a unit; null for norms
   * @param merged whether they are merged into those that they are nearest to; channels only
   */
  public record Wanted(Kind kind, String amount, @Nullable Path scores, boolean merged) {}

  /**
   * What is decided but for which ones.
   *
   * @param units of the model
   * @param stay how many of each layer
   * @param queries query heads that go with a unit; 1 for channels
   * @param config numbers of the smaller model's config, by JSON pointer
   */
  private record Planned(
      Wanted wanted, CoupledUnits units, int stay, int queries, Map<String, Integer> config) {}

  private final String reference;
  private final ModelDir model;
  private final boolean squares;
  private final List<Planned> planned;

  /**
   * Holds what is wanted against the model; reads scores, but no weights.
   *
   * @param reference what to call the model
   * @param squares whether units are ranked by their L2 norm and not by L1
   * @throws WeightloomException if the model's layers are not known, nothing would stay or go
   */
  public UnitRemoval(String reference, ModelDir model, List<Wanted> wanted, boolean squares) {
    this.reference = reference;
    this.model = model;
    this.squares = squares;
    this.planned = wanted.stream().map(this::planned).toList();
  }

  /** Whether weights are read to decide. */
  public boolean readsWeights() {
    return planned.stream().anyMatch(p -> p.wanted.scores() == null);
  }

  /** What goes, for a person: {@code 4 of 16 channels, 2 of 8 heads}. */
  public String summary() {
    return String.join(
        ", ",
        planned.stream()
            .map(
                p ->
                    "%d of %d %s%s"
                        .formatted(
                            (p.units.units() - p.stay) * p.queries,
                            p.units.units() * p.queries,
                            p.wanted.kind().plural(),
                            p.wanted.merged() ? " by merging" : ""))
            .toList());
  }

  private Planned planned(Wanted wanted) {
    ModelUnits of = new ModelUnits(reference, model);
    if (wanted.kind() == Kind.CHANNELS) {
      CoupledUnits channels = of.channels();
      int stay = stay(wanted, channels.units(), 1);
      return new Planned(wanted, channels, stay, 1, of.configOfChannels(stay));
    }
    CoupledUnits heads = of.heads();
    int stay = stay(wanted, heads.units(), of.queries());
    return new Planned(wanted, heads, stay, of.queries(), of.configOfHeads(stay));
  }

  /** How many units stay. */
  private int stay(Wanted wanted, int units, int queries) {
    String all = "%d %s".formatted(units * queries, wanted.kind().plural());
    double amount = number(wanted.amount());
    boolean isShare = wanted.amount().contains(".");
    double gone =
        !isShare
            ? amount / queries
            : amount > 0 && amount < 1 ? Counting.FLOOR.pruned(amount, units) : Double.NaN;
    if (!isShare && amount == Math.rint(amount) && gone != Math.rint(gone)) {
      throw WeightloomException.usage(
          "Cannot remove %s of the %s of each layer of %s: %d share a key and value head (choose a multiple of %d)"
              .formatted(wanted.amount(), all, reference, queries, queries));
    }
    if (!(gone >= 1 && gone < units) || gone != Math.rint(gone)) {
      throw WeightloomException.usage(
          "Cannot remove %s of the %s of each layer of %s (choose from %d to %d, or a share that comes to so many, as 0.25)"
              .formatted(wanted.amount(), all, reference, queries, (units - 1) * queries));
    }
    return units - (int) gone;
  }

  private static double number(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      return Double.NaN;
    }
  }

  /**
   * Which units stay.
   *
   * @param spark where weights are read for it; null if none are
   * @param base the path of the model, as executors see it
   */
  public UnitSelection selection(@Nullable SparkContext spark, String base, Progress progress) {
    Map<String, Integer> config = new LinkedHashMap<>();
    Map<String, List<Integer>> orders = new LinkedHashMap<>();
    Map<String, Map<Integer, List<Integer>>> merged = new LinkedHashMap<>();
    Map<String, UnitSelection.Part> parts = new LinkedHashMap<>();
    for (Planned plan : planned) {
      config.putAll(plan.config);
      List<List<int[]>> groups = groups(spark, plan, progress);
      for (int i = 0; i < groups.size(); i++) {
        Layer layer = plan.units.layers().get(i);
        String order = layer.name() + " " + plan.wanted.kind().plural();
        orders.put(order, groups.get(i).stream().map(g -> g[0]).toList());
        if (plan.wanted.merged()) {
          merged.put(order, others(groups.get(i)));
        }
        for (Part part : layer.parts()) {
          parts.put(
              part.tensor().name(),
              new UnitSelection.Part(
                  part.dim(), plan.units.units(), order, merging(plan.wanted, part)));
        }
      }
    }
    return new UnitSelection(base, config, orders, merged, parts);
  }

  /** By layer, the units that stay, each with those that are merged into it. */
  private List<List<int[]>> groups(@Nullable SparkContext spark, Planned plan, Progress progress) {
    if (plan.wanted.merged()) {
      int count = plan.units.units() - plan.stay;
      List<List<TensorLocation>> weights =
          plan.units.layers().stream()
              .map(
                  layer ->
                      layer.parts().stream()
                          .filter(p -> p.tensor().shape().rank() == 2)
                          .map(this::at)
                          .toList())
              .toList();
      return ScanJob.run(
              Objects.requireNonNull(spark), "features", weights, new FeatureScan(count), progress)
          .stream()
          .map(Arrays::asList)
          .toList();
    }
    return scores(spark, plan, progress).stream()
        .map(
            scores ->
                CoupledUnits.kept(scores, plan.stay).stream().map(u -> new int[] {u}).toList())
        .toList();
  }

  private static Map<Integer, List<Integer>> others(List<int[]> groups) {
    Map<Integer, List<Integer>> others = new TreeMap<>();
    for (int[] group : groups) {
      if (group.length > 1) {
        others.put(group[0], IntStream.of(group).skip(1).boxed().toList());
      }
    }
    return others;
  }

  /** What makes channels is averaged, what reads them added up: equal ones do as much as before. */
  private static Merging merging(Wanted wanted, Part part) {
    return !wanted.merged() ? Merging.NONE : part.dim() == 0 ? Merging.MEAN : Merging.SUM;
  }

  private TensorLocation at(Part part) {
    String name = part.tensor().name();
    return Objects.requireNonNull(model.tensors().get(name), name);
  }

  /** The scores of each layer's units. */
  private List<double[]> scores(@Nullable SparkContext spark, Planned plan, Progress progress) {
    Path file = plan.wanted.scores();
    return file == null
        ? norms(Objects.requireNonNull(spark), plan.units, progress)
        : tabled(file, plan);
  }

  private List<double[]> tabled(Path file, Planned plan) {
    int units = plan.units.units();
    List<Layer> layers = plan.units.layers();
    String what = plan.wanted.kind().plural();
    ScoreFile scores =
        new ScoreFile(file, what, "a JSON list a layer of one finite number each of its " + what);
    JsonNode root = scores.read();
    if (root.size() != layers.size()) {
      throw scores.misfit("it has %d lists for %d layers".formatted(root.size(), layers.size()));
    }
    List<double[]> all = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      double[] values = ScoreFile.numbers(root.path(i));
      boolean byQuery = values.length == units * plan.queries;
      if (!ScoreFile.isComplete(values, byQuery ? values.length : units)) {
        throw scores.misfit(
            "for %s it has %d values, not all of them finite numbers, for %d %s"
                .formatted(layers.get(i).name(), values.length, units * plan.queries, what));
      }
      double[] sums = new double[units];
      for (int j = 0; j < values.length; j++) {
        sums[byQuery ? j / plan.queries : j] += values[j];
      }
      all.add(sums);
    }
    return all;
  }

  private List<double[]> norms(SparkContext spark, CoupledUnits units, Progress progress) {
    Map<String, Integer> dims = new TreeMap<>();
    List<List<TensorLocation>> tensors = new ArrayList<>();
    for (Layer layer : units.layers()) {
      for (Part part : layer.parts()) {
        dims.put(part.tensor().name(), part.dim());
        tensors.add(List.of(at(part)));
      }
    }
    List<double[]> found =
        ScanJob.run(spark, "norms", tensors, new UnitNorms(dims, units.units(), squares), progress);
    List<double[]> all = new ArrayList<>();
    int at = 0;
    for (Layer layer : units.layers()) {
      double[] sums = new double[units.units()];
      for (Part part : layer.parts()) {
        double[] ofTensor = found.get(at++);
        for (int u = 0; u < sums.length; u++) {
          if (!Double.isFinite(ofTensor[u])) {
            throw WeightloomException.input(
                "Cannot rank the %s of %s: %s holds NaN, infinity or a value whose square is (mend the model, or give scores)"
                    .formatted(units.kind().plural(), reference, part.tensor().name()));
          }
          sums[u] += ofTensor[u];
        }
      }
      all.add(sums);
    }
    return all;
  }

  /** The path of a model as executors see it: its directory, or the one file that was named. */
  public static String base(String location, ModelDir opened) {
    String path = BaseFiles.isWeights(location) ? location : opened.path();
    return BlockTables.absolute(Storage.of(path), path);
  }

  /** Fails if a file of units is there and may not be replaced. */
  public static void requireWritable(Path file, boolean overwrite) {
    if (Files.exists(file) && !overwrite) {
      throw WeightloomException.conflict(
          "Cannot write %s: it exists (choose another OUT, or pass --overwrite)".formatted(file));
    }
  }

  /**
   * Writes a file of units.
   *
   * @throws WeightloomException if it cannot be written
   */
  public static void write(Path file, UnitSelection selection) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      Files.write(file, Json.pretty(selection.toJson()));
    } catch (IOException e) {
      throw OutputDir.cannotWrite(file.toString(), e);
    }
  }

  /** The recipe that writes a model as it is, such as what a file of units shows. */
  public static RecipeYaml recipe(String model) {
    return RecipeYaml.parse(
        "the options of prune",
        "merge_method: passthrough\nmodels:\n  - model: " + Json.text(model) + "\n");
  }
}
