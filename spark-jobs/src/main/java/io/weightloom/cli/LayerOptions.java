package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.job.LayerRemoval;
import io.weightloom.job.RecipeYaml;
import io.weightloom.job.SublayerRemoval;
import io.weightloom.job.SublayerRemoval.Kind;
import io.weightloom.job.SublayerRemoval.Wanted;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that take layers out of a model, or attention or the perceptron out of layers. */
final class LayerOptions {

  @Option(
      names = "--drop-layers",
      paramLabel = "COUNT",
      description = "take so many whole layers out, those of least --layer-scores")
  private @Nullable Integer layers;

  @Option(
      names = "--layer-scores",
      paramLabel = "FILE",
      description = "JSON list of one number a layer, the higher the more it matters")
  private @Nullable Path layerScores;

  @Option(
      names = "--drop-attention",
      paramLabel = "COUNT",
      description = "take the attention out of so many layers, those of least --attention-scores")
  private @Nullable Integer attention;

  @Option(
      names = "--attention-scores",
      paramLabel = "FILE",
      description = "JSON list of one number a layer")
  private @Nullable Path attentionScores;

  @Option(
      names = "--drop-mlps",
      paramLabel = "COUNT",
      description = "take the perceptron out of so many layers, those of least --mlp-scores")
  private @Nullable Integer mlps;

  @Option(
      names = "--mlp-scores",
      paramLabel = "FILE",
      description = "JSON list of one number a layer")
  private @Nullable Path mlpScores;

  /** Whether layers or parts of them go. */
  boolean isGiven() {
    return layers != null
        || attention != null
        || mlps != null
        || layerScores != null
        || attentionScores != null
        || mlpScores != null;
  }

  /**
   * The recipe that does it.
   *
   * @param model what the recipe calls it
   */
  RecipeYaml recipe(String model, ModelDir dir) {
    List<Wanted> wanted = new ArrayList<>();
    add(wanted, Kind.ATTENTION, "attention", attention, attentionScores);
    add(wanted, Kind.MLPS, "mlp", mlps, mlpScores);
    Integer count = layers;
    Path scores = layerScores;
    if (count == null && scores == null) {
      return SublayerRemoval.recipe(model, dir, wanted);
    }
    if (!wanted.isEmpty()) {
      throw WeightloomException.usage(
          "Cannot remove layers and parts of layers at once (prune what comes of --drop-layers in a second step)");
    }
    if (count == null || scores == null) {
      throw incomplete("layers", "--drop-layers and --layer-scores");
    }
    return LayerRemoval.recipe(model, dir, scores, count);
  }

  private static void add(
      List<Wanted> to, Kind kind, String name, @Nullable Integer count, @Nullable Path scores) {
    if (count != null && scores != null) {
      to.add(new Wanted(kind, count, scores));
    } else if (count != null || scores != null) {
      throw incomplete(
          kind.plural(),
          "--drop-%s and --%s-scores".formatted(kind == Kind.MLPS ? "mlps" : name, name));
    }
  }

  private static WeightloomException incomplete(String what, String options) {
    return WeightloomException.usage(
        "Cannot remove %s: it is not said how many, or what each matters (give %s)"
            .formatted(what, options));
  }

  /** What goes, for a person: {@code 8 layers}, {@code the attention of 2 layers}. */
  String summary() {
    List<String> parts = new ArrayList<>();
    if (layers != null) {
      parts.add(layers + " layers");
    }
    if (attention != null) {
      parts.add("the attention of " + attention + " layers");
    }
    if (mlps != null) {
      parts.add("the perceptron of " + mlps + " layers");
    }
    return String.join(", ", parts);
  }
}
