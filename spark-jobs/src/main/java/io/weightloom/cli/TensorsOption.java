package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import java.util.List;
import org.apache.hadoop.fs.GlobPattern;
import picocli.CommandLine.Option;

/** {@code --tensors}: which tensors of a model. */
final class TensorsOption {
  @Option(
      names = "--tensors",
      paramLabel = "PATTERN",
      defaultValue = "*",
      description = "names of tensors: *.up_proj.*, *.{q,k}_proj.weight (default: all)")
  private String tensors = "*";

  /**
   * The wanted tensors of a model, in natural order of names.
   *
   * @param doing what is done to the model, as errors say it
   * @param model what the user calls it
   * @throws WeightloomException of kind USAGE if there are none
   */
  List<TensorLocation> of(String doing, String model, ModelDir dir) {
    GlobPattern pattern = new GlobPattern(tensors);
    List<TensorLocation> wanted =
        dir.tensors().values().stream().filter(t -> pattern.matches(t.spec().name())).toList();
    if (wanted.isEmpty()) {
      throw WeightloomException.usage(
          "Cannot %s %s: none of its %d tensors is named like %s (see weightloom inspect %s)"
              .formatted(doing, model, dir.tensors().size(), tensors, model));
    }
    return wanted;
  }
}
