package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.tensor.TensorName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Takes whole layers out of a model by a table of scores, such as 1 − cos(input, output) of each:
 * the least go, of equal ones the first. The others move up and the config's count follows.
 */
public final class LayerRemoval {

  private LayerRemoval() {}

  /**
   * The recipe that stacks the layers that stay.
   *
   * @param scores JSON: a list of one number a layer, the higher the more it matters
   * @param count how many go
   * @throws WeightloomException if the table does not fit the model, or nothing would stay
   */
  public static RecipeYaml recipe(String model, ModelDir dir, Path scores, int count) {
    int layers = layers(model, dir);
    Set<Integer> gone = gone(model, scores, "layers", count, layers);
    List<String> lines = new ArrayList<>(List.of("merge_method: passthrough", "slices:"));
    for (int first = 0; first < layers; first++) {
      int end = first;
      while (end < layers && !gone.contains(end)) {
        end++;
      }
      if (end > first) {
        lines.add("  - sources:");
        lines.add("      - model: " + Json.text(model));
        lines.add("        layer_range: [%d, %d]".formatted(first, end));
      }
      first = end;
    }
    return RecipeYaml.parse("the options of prune", String.join("\n", lines) + "\n");
  }

  /**
   * The layers that go, those of least score, ascending.
   *
   * @param what goes of them, such as {@code layers}
   */
  static Set<Integer> gone(String model, Path scores, String what, int count, int layers) {
    double[] values = read(scores, what, layers);
    if (count < 1 || count >= layers) {
      throw WeightloomException.usage(
          "Cannot remove %d of the %d %s of %s (choose from 1 to %d)"
              .formatted(count, layers, what, model, layers - 1));
    }
    Set<Integer> gone = new TreeSet<>();
    IntStream.range(0, layers)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> values[i]))
        .limit(count)
        .forEach(gone::add);
    return gone;
  }

  /** How many layers a model has, by the names of its tensors. */
  static int layers(String model, ModelDir dir) {
    return dir.tensors().keySet().stream()
            .flatMap(name -> TensorName.layer(name).stream())
            .mapToInt(TensorName.Layer::index)
            .max()
            .orElseThrow(
                () ->
                    WeightloomException.input(
                        "Cannot remove layers of %s: no tensor's name has a layer's number"
                            .formatted(model)))
        + 1;
  }

  private static double[] read(Path file, String what, int layers) {
    ScoreFile scores = new ScoreFile(file, what, "a JSON list of one finite number a layer");
    double[] values = ScoreFile.numbers(scores.read());
    if (!ScoreFile.isComplete(values, layers)) {
      throw scores.misfit("it has %d numbers for %d layers".formatted(values.length, layers));
    }
    return values;
  }
}
