package io.weightloom.job;

import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.UnitSelection;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.prune.CoupledUnits;
import io.weightloom.prune.CoupledUnits.Layer;
import io.weightloom.prune.CoupledUnits.Part;
import io.weightloom.prune.PermutationScan;
import io.weightloom.prune.PermutationScan.Found;
import io.weightloom.prune.PermutationScan.Frame;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;

/**
 * Orders of a model's channels by which N:M sparsity keeps more, where that is free: channels of
 * the perceptron, which are rows of gate and up and columns of down, and within each key and value
 * head its outputs, which are rows of the value projection and columns of the output projection in
 * every query head that reads it. The model computes the same in any such order.
 */
public final class FreePermutation {

  /**
   * What was found.
   *
   * @param units the model in the new order
   * @param before Σ|w| that N:M keeps of down and output projections as they stand
   * @param after the same in the new order, never less
   */
  public record Ordered(UnitSelection units, double before, double after) {}

  /** A tensor whose columns are ordered, and those whose rows follow. */
  private record Task(Part columns, List<Part> rows, Frame frame) {}

  private final ModelDir model;
  private final List<Task> tasks = new ArrayList<>();
  private final int n;
  private final int m;

  /**
   * Finds what may be permuted; reads no weights.
   *
   * @param reference what to call the model
   * @throws io.weightloom.error.WeightloomException if the model's layers are not known
   */
  public FreePermutation(String reference, ModelDir model, int n, int m) {
    this.model = model;
    this.n = n;
    this.m = m;
    ModelUnits layers = new ModelUnits(reference, model);
    CoupledUnits channels = layers.channels();
    for (Layer layer : channels.layers()) {
      add(layer.parts(), new Frame(1, 1, channels.units()));
    }
    CoupledUnits heads = layers.heads();
    for (Layer layer : heads.layers()) {
      List<Part> values =
          layer.parts().stream()
              .filter(p -> p.dim() == 1 || p.tensor().name().contains(".v_proj."))
              .toList();
      // A group of M that lay in two heads would be torn.
      if (layers.headDim() % m == 0) {
        add(values, new Frame(heads.units(), layers.queries(), layers.headDim()));
      }
    }
  }

  private void add(List<Part> parts, Frame frame) {
    int last = parts.size() - 1;
    tasks.add(new Task(parts.get(last), parts.subList(0, last), frame));
  }

  /**
   * Searches for the orders: one read of the tensors.
   *
   * @param base the path of the model, as executors see it
   */
  public Ordered search(SparkContext spark, String base, Progress progress) {
    Map<String, Frame> frames = new TreeMap<>();
    tasks.forEach(t -> frames.put(t.columns.tensor().name(), t.frame));
    List<Found> found =
        ScanJob.run(
            spark,
            "permutations",
            tasks.stream().map(t -> List.of(at(t.columns))).toList(),
            new PermutationScan(frames, n, m),
            progress);
    Map<String, List<Integer>> orders = new LinkedHashMap<>();
    Map<String, UnitSelection.Part> parts = new LinkedHashMap<>();
    for (int i = 0; i < tasks.size(); i++) {
      Task task = tasks.get(i);
      String columns = task.columns.tensor().name() + " columns";
      String rows = task.columns.tensor().name() + " rows";
      orders.put(columns, list(found.get(i).ofColumns(task.frame)));
      orders.put(rows, list(found.get(i).order()));
      put(parts, task.columns, orders, columns);
      task.rows.forEach(part -> put(parts, part, orders, rows));
    }
    return new Ordered(
        new UnitSelection(base, Map.of(), orders, parts),
        found.stream().mapToDouble(Found::before).sum(),
        found.stream().mapToDouble(Found::after).sum());
  }

  private TensorLocation at(Part part) {
    String name = part.tensor().name();
    return Objects.requireNonNull(model.tensors().get(name), name);
  }

  private static List<Integer> list(int[] order) {
    return IntStream.of(order).boxed().toList();
  }

  private static void put(
      Map<String, UnitSelection.Part> to,
      Part part,
      Map<String, List<Integer>> orders,
      String order) {
    int units = orders.getOrDefault(order, List.of()).size();
    to.put(part.tensor().name(), new UnitSelection.Part(part.dim(), units, order));
  }
}
