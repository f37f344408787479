package io.weightloom.spectrum;

import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A row of the result: a matrix, or a tensor that has no spectrum, and why.
 *
 * @param model as the user named it
 * @param base what was subtracted; null if nothing
 * @param tensor the tensor in the model
 * @param reason why there are no numbers; empty if there are
 * @param matrix what was found
 */
public record SpectrumRow(
    String model,
    @Nullable String base,
    TensorSpec tensor,
    String reason,
    @Nullable MatrixSpectrum matrix) {

  /** A tensor that was left out. */
  public static SpectrumRow skipped(
      String model, @Nullable String base, TensorSpec tensor, String reason) {
    return new SpectrumRow(model, base, tensor, reason, null);
  }

  /** A matrix that was looked at. */
  public static SpectrumRow of(
      String model, @Nullable String base, TensorSpec tensor, MatrixSpectrum matrix) {
    return new SpectrumRow(model, base, tensor, matrix.problem(), matrix);
  }

  /** What was found, if anything was. */
  public Optional<MatrixSpectrum> found() {
    return Optional.ofNullable(matrix).filter(MatrixSpectrum::isFound);
  }

  /** All its eigenvalues, if they were computed. */
  public Optional<Spectrum> spectrum() {
    return found().map(MatrixSpectrum::spectrum);
  }

  /** Which of the tensor's matrices; −1 if it is one. */
  public int slice() {
    return matrix == null ? -1 : matrix.slice();
  }

  /** The tensor's name, with the number of the matrix where it has several. */
  public String label() {
    return slice() < 0 ? tensor.name() : tensor.name() + "[" + slice() + "]";
  }

  /** The number of the layer; −1 where there is none. */
  public int layer() {
    return TensorName.layer(tensor.name()).map(TensorName.Layer::index).orElse(-1);
  }

  /** What the tensor is for, whatever its layer, without the {@code .weight} behind. */
  public String role() {
    String role = TensorName.role(tensor.name());
    return role.endsWith(".weight") ? role.substring(0, role.length() - 7) : role;
  }
}
