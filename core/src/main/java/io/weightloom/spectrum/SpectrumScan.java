package io.weightloom.spectrum;

import io.weightloom.analysis.Scan;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/**
 * Finds the spectra of tensors, or of the differences of pairs of them: the model's tensor first,
 * the base's second. Only for tensors that {@link Eligibility} lets pass.
 *
 * @param options what to compute
 * @param linAlg the linear algebra that the driver chose, so that all tasks compute by one
 */
public record SpectrumScan(SpectrumOptions options, String linAlg)
    implements Scan<SpectrumSketch, TensorSpectra> {
  private static final long serialVersionUID = 1;

  @Override
  public SpectrumSketch open(List<TensorSpec> tensors) {
    return new SpectrumSketch(tensors, options, LinAlgRegistry.named(linAlg));
  }

  @Override
  public TensorSpectra conclude(List<TensorSpec> tensors, SpectrumSketch sketch) {
    return sketch.conclude();
  }

  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    boolean narrow = tensors.size() == 1 && tensors.get(0).dtype() != DType.F64;
    return MatrixCollector.workBytes(
        MatrixView.of(tensors.get(0)), options, narrow ? Float.BYTES : Double.BYTES);
  }

  @Override
  public TensorSpectra tooLarge(List<TensorSpec> tensors, String why) {
    MatrixView view = MatrixView.of(tensors.get(0));
    return new TensorSpectra(List.of(MatrixSpectrum.problem(-1, view, why)));
  }
}
