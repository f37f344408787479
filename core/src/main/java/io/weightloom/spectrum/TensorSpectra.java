package io.weightloom.spectrum;

import java.io.Serializable;
import java.util.List;

/**
 * What was found of a tensor.
 *
 * @param matrices one, or those of its slices
 */
public record TensorSpectra(List<MatrixSpectrum> matrices) implements Serializable {
  private static final long serialVersionUID = 1;

  public TensorSpectra {
    matrices = List.copyOf(matrices);
  }
}
