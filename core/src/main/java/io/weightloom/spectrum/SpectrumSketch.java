package io.weightloom.spectrum;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Sketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The matrices of a tensor, one after the other; of two tensors, what the first changed against the
 * second. Sees all blocks in their order, in one task, and so never travels.
 */
@SuppressWarnings("serial") // It says that it does not travel.
public final class SpectrumSketch implements Sketch<SpectrumSketch> {
  private static final long serialVersionUID = 1;

  private final List<TensorSpec> tensors;
  private final SpectrumOptions options;
  private final DenseLinAlg linAlg;
  private final MatrixView view;
  private final DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
  private final double[] values = arith.vector();
  private final double[] base = arith.vector();
  private final @Nullable RoundingNoise noise;
  private final ArrayList<MatrixSpectrum> done = new ArrayList<>();
  private MatrixCollector current;
  private long seen;

  SpectrumSketch(List<TensorSpec> tensors, SpectrumOptions options, DenseLinAlg linAlg) {
    this.tensors = List.copyOf(tensors);
    this.options = options;
    this.linAlg = linAlg;
    this.view = MatrixView.of(tensors.get(0));
    this.noise = tensors.size() > 1 ? new RoundingNoise(tensors.get(0).dtype(), view) : null;
    this.current = collector();
  }

  private MatrixCollector collector() {
    int slice = view.count() == 1 ? -1 : done.size();
    return new MatrixCollector(view, slice, tensors.get(0).name(), options, linAlg);
  }

  @Override
  public void add(AlignedBlock block) {
    if (block.place().offset() != seen) {
      throw new IllegalStateException(
          "block at %d of %s, %d were seen"
              .formatted(block.place().offset(), tensors.get(0).name(), seen));
    }
    int at = 0;
    while (at < block.count()) {
      long left = view.elements() - seen % view.elements();
      int n = (int) Math.min(Math.min(Arith.CAPACITY, block.count() - at), left);
      decode(block, at, n);
      current.append(values, n);
      at += n;
      seen += n;
      if (n == left) {
        finish();
      }
    }
  }

  private void decode(AlignedBlock block, int at, int n) {
    decode(block, 0, at, values, n);
    if (noise != null) {
      noise.add(values, n);
      decode(block, 1, at, base, n);
      arith.subtract(values, base, values, n);
    }
  }

  private void decode(AlignedBlock block, int model, int at, double[] into, int n) {
    var dtype = tensors.get(model).dtype();
    arith.decode(dtype, block.data()[model], at * dtype.bytes(), into, n);
  }

  private void finish() {
    done.add(current.finish(noise == null ? -1 : noise.edge()));
    if (done.size() < view.count()) {
      current = collector();
    }
  }

  @Override
  public void merge(SpectrumSketch other) {
    throw new IllegalStateException("a matrix is seen by one task");
  }

  TensorSpectra conclude() {
    return new TensorSpectra(done);
  }
}
