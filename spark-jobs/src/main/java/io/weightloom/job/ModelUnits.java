package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.prune.CoupledUnits;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;

/** The units that a model's layers share, as its config counts them. */
final class ModelUnits {
  private static final String CHANNELS = "intermediate_size";
  private static final String HEADS = "num_attention_heads";
  private static final String GROUPS = "num_key_value_heads";
  private static final String HEAD_DIM = "head_dim";

  private final String reference;
  private final ModelNumbers config;
  private final List<TensorSpec> tensors;

  /**
   * @param reference what to call the model
   */
  ModelUnits(String reference, ModelDir model) {
    this.reference = reference;
    this.config = new ModelNumbers(reference, model.config());
    this.tensors = model.tensors().values().stream().map(TensorLocation::spec).toList();
  }

  CoupledUnits channels() {
    return CoupledUnits.channels(reference, tensors, config.require(CHANNELS));
  }

  CoupledUnits heads() {
    return CoupledUnits.heads(reference, tensors, groups() * queries(), groups(), headDim());
  }

  private int groups() {
    return config.find(GROUPS).orElseGet(() -> config.require(HEADS));
  }

  /** Query heads that read a key and value head. */
  int queries() {
    int heads = config.require(HEADS);
    int groups = groups();
    if (groups < 1 || heads % groups != 0) {
      throw WeightloomException.input(
          "Cannot tell the heads of %s apart: by its config %d heads share %d key and value heads (mend config.json)"
              .formatted(reference, heads, groups));
    }
    return heads / groups;
  }

  /** Elements of a head. */
  int headDim() {
    return config
        .find(HEAD_DIM)
        .orElseGet(() -> config.require("hidden_size") / config.require(HEADS));
  }

  /** What the config says of so many channels, by JSON pointer. */
  Map<String, Integer> configOfChannels(int channels) {
    return Map.of(config.pointer(CHANNELS), channels);
  }

  /** What the config says of so many key and value heads, by JSON pointer. */
  Map<String, Integer> configOfHeads(int groups) {
    return Map.of(
        config.pointer(HEADS),
        groups * queries(),
        config.beside(HEADS, GROUPS),
        groups,
        config.beside(HEADS, HEAD_DIM),
        headDim());
  }
}
