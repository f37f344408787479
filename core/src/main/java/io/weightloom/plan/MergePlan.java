package io.weightloom.plan;

import io.weightloom.merge.Numerics;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a merge will do, fixed before any weight is read.
 *
 * @param method the method's name
 * @param variant the method's variant, or empty if it has none
 * @param numerics how to round
 * @param seed of the random masks
 * @param models the models taking part, each once
 * @param sideTables the tables that are read beside the models
 * @param donor index of the model whose config and tokenizer the output gets
 * @param tensors the output's tensors in natural order of their names
 * @param scopes for each scope, the indices of its merged tensors
 * @param reads the most reads of the weights, the emission included
 * @param shards the output's files
 * @param dtype the dtype that the config will name, if all merged tensors share it
 * @param layers number of layers of each stack that was rearranged, by stack; empty for no slices
 * @param keepsNonFinite whether NaN and infinity are merged as they are
 * @param treated what a policy did to tensors that do not fit together, by name; those that were
 *     left out as well
 * @param warnings what the user should know
 */
public record MergePlan(
    String method,
    String variant,
    Numerics numerics,
    long seed,
    List<ModelInfo> models,
    List<SideTableInfo> sideTables,
    int donor,
    List<PlannedTensor> tensors,
    List<List<Integer>> scopes,
    int reads,
    List<Shard> shards,
    Optional<DType> dtype,
    Map<String, Integer> layers,
    boolean keepsNonFinite,
    Map<String, String> treated,
    List<String> warnings) {

  /**
   * One file of the output.
   *
   * @param file its name
   * @param tensors its tensors
   */
  public record Shard(String file, List<TensorSpec> tensors) {
    public long byteSize() {
      return tensors.stream().mapToLong(TensorSpec::byteSize).sum();
    }
  }

  /**
   * A table beside the models.
   *
   * @param table its name in the method's spec
   * @param model the reference of the model that it is of; empty for the whole merge
   * @param file where it is and what it holds
   */
  public record SideTableInfo(String table, String model, ModelInfo file) {

    /** As messages call it: {@code fisher of org/name}. */
    public String label() {
      return model.isEmpty() ? table : table + " of " + model;
    }
  }

  /** Bytes of weights that one read of all inputs takes. */
  public long inputBytes() {
    return tensors.stream().mapToLong(PlannedTensor::inputBytes).sum();
  }

  /** Bytes of weights that are written. */
  public long outputBytes() {
    return tensors.stream().mapToLong(t -> t.output().byteSize()).sum();
  }

  public long parameters() {
    return tensors.stream().mapToLong(t -> t.output().elements()).sum();
  }
}
