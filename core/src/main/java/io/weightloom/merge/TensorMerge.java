package io.weightloom.merge;

import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One output tensor of a merge and what it is made from.
 *
 * @param output name, dtype and shape to write
 * @param base the base model's tensor, or null for methods without one
 * @param inputs the models' tensors in recipe order, of the output's shape
 * @param compute the dtype that {@link Numerics#MERGEKIT} rounds to
 * @param numerics how to round
 * @param params the parameters that hold for this tensor
 * @param sides the side tables' tensors: table by table as the method's spec lists them, in each
 *     the models in order; empty where the recipe gives none
 */
public record TensorMerge(
    TensorSpec output,
    @Nullable TensorSpec base,
    List<Input> inputs,
    DType compute,
    Numerics numerics,
    Params params,
    List<Side> sides)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /**
   * A model's tensor.
   *
   * @param model the name that keys the model's random masks
   * @param spec the tensor as stored; its name may differ from the output's (another layer)
   */
  public record Input(String model, TensorSpec spec) implements Serializable {}

  /**
   * A side table's tensor.
   *
   * @param name the table's name in the method's spec
   * @param table as messages call it: the name, and {@code of} which model it is
   * @param spec the tensor as stored
   * @param layout how it is shaped
   * @param least the least value allowed
   */
  public record Side(
      String name, String table, TensorSpec spec, SideTable.Layout layout, double least)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  public TensorMerge {
    inputs = List.copyOf(inputs);
    sides = List.copyOf(sides);
  }

  /** A merge of models alone. */
  public TensorMerge(
      TensorSpec output,
      @Nullable TensorSpec base,
      List<Input> inputs,
      DType compute,
      Numerics numerics,
      Params params) {
    this(output, base, inputs, compute, numerics, params, List.of());
  }

  public long elements() {
    return output.elements();
  }

  /** This merge without the parameters that only an emission looks at. */
  public TensorMerge forSurveys(MethodSpec spec) {
    Map<String, Object> global = new HashMap<>(params.global());
    Map<String, List<Double>> perModel = new HashMap<>(params.perModel());
    for (ParamSpec p : spec.parameters()) {
      if (p.emissionOnly()) {
        global.remove(p.name());
        perModel.remove(p.name());
      }
    }
    return new TensorMerge(
        output, base, inputs, compute, numerics, new Params(global, perModel), sides);
  }

  /** Where the tensors of this side table begin among the sides; −1 if there are none. */
  public int firstSide(String table) {
    for (int i = 0; i < sides.size(); i++) {
      if (sides.get(i).name().equals(table)) {
        return i;
      }
    }
    return -1;
  }

  /** Whether the work vectors are fp64. */
  public boolean isDouble() {
    if (numerics == Numerics.MERGEKIT) {
      return compute == DType.F64;
    }
    return output.dtype() == DType.F64
        || (base != null && base.dtype() == DType.F64)
        || inputs.stream().anyMatch(i -> i.spec().dtype() == DType.F64);
  }
}
