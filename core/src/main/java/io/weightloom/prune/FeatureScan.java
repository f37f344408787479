package io.weightloom.prune;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.WholeSketch;
import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.stats.BlockData;
import io.weightloom.tensor.TensorSpec;
import java.util.List;

/**
 * Which channels of a layer become one; see {@link FeatureMerging}. The tensors are those that make
 * channels, of shape channels × width, and last the one that reads them, width × channels: all have
 * as many elements. Biases have no share in distances, as in the paper's own code.
 *
 * @param count how many channels go
 */
public record FeatureScan(int count) implements Scan<FeatureScan.Held, int[][]> {
  private static final long serialVersionUID = 1;

  /** The weights of a layer, by channel; never travels. */
  public static final class Held implements WholeSketch<Held> {
    private static final long serialVersionUID = 1;
    private final int width;
    private final float[][] channels;

    Held(int channels, int width, int tensors) {
      this.width = width;
      this.channels = new float[channels][width * tensors];
    }

    @Override
    public void add(AlignedBlock block) {
      int last = block.tensors().size() - 1;
      for (int k = 0; k <= last; k++) {
        TensorSpec tensor = block.tensors().get(k);
        BlockData data = new BlockData(tensor.dtype(), block.data()[k], 0, block.length(k));
        for (int i = 0; i < block.count(); i++) {
          long at = block.place().offset() + i;
          float v = (float) data.at(i);
          if (!Float.isFinite(v)) {
            throw WeightloomException.input(
                "Cannot tell how near channels are: %s holds %s at element %d%s (mend the model)"
                    .formatted(
                        tensor.name(),
                        data.at(i),
                        at,
                        Double.isFinite(data.at(i)) ? ", which fp32 cannot" : ""));
          }
          boolean reads = k == last;
          int channel = (int) (reads ? at % channels.length : at / width);
          int place = (int) (reads ? at / channels.length : at % width);
          channels[channel][k * width + place] = v;
        }
      }
    }
  }

  @Override
  public Held open(List<TensorSpec> tensors) {
    List<Long> dims = tensors.get(0).shape().dims();
    return new Held(Math.toIntExact(dims.get(0)), Math.toIntExact(dims.get(1)), tensors.size());
  }

  @Override
  public int[][] conclude(List<TensorSpec> tensors, Held sketch) {
    return FeatureMerging.groups(
        KernelRegistry.get().kernels(),
        sketch.channels,
        sketch.width * (tensors.size() - 1),
        count);
  }

  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    long channels = tensors.get(0).shape().dims().get(0);
    return Float.BYTES * tensors.get(0).elements() * tensors.size()
        + Double.BYTES * channels * channels / 2
        + (1L << 20);
  }
}
