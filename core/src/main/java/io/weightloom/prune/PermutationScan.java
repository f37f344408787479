package io.weightloom.prune;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.stats.BlockData;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Orders of input channels by which N:M sparsity keeps more of a matrix, its outputs left alone;
 * see {@link ChannelPermutation}. Magnitudes are compared in fp32, as many bytes as the matrix has
 * weights times 4.
 *
 * @param frames which columns may change places, by tensor
 * @param n weights kept of each group
 * @param m weights of a group
 */
public record PermutationScan(Map<String, Frame> frames, int n, int m)
    implements Scan<PermutationScan.Held, PermutationScan.Found> {
  private static final long serialVersionUID = 1;

  public PermutationScan {
    frames = Map.copyOf(frames);
  }

  /**
   * Columns in frames of one width: those of a frame change places among themselves, and those of
   * frames that go together all alike, as the outputs of a value head do in every head that reads
   * it.
   *
   * @param sets of frames that go together, one after the other
   * @param together frames of a set
   * @param width columns of a frame
   */
  public record Frame(int sets, int together, int width) implements Serializable {
    private static final long serialVersionUID = 1;

    int columns() {
      return sets * together * width;
    }
  }

  /**
   * What was found.
   *
   * @param order of the columns of each set's frames: sets · width numbers
   * @param before the sum of magnitudes that is kept as the columns stand
   * @param after the same in the order that was found, never less
   */
  @SuppressWarnings("ArrayRecordComponent") // Handed over, never compared.
  public record Found(int[] order, double before, double after) implements Serializable {
    private static final long serialVersionUID = 1;

    /** The order of all columns, where each frame of a set has the set's. */
    public int[] ofColumns(Frame frame) {
      int width = frame.width();
      return IntStream.range(0, frame.columns())
          .map(
              c ->
                  c / width * width
                      + order[c / width / frame.together() * width + c % width] % width)
          .toArray();
    }
  }

  /** The magnitudes of a tensor, by column of a set. */
  public static final class Held implements Sketch<Held> {
    private static final long serialVersionUID = 1;
    private final Frame frame;
    private final int rows;
    private final float[][] columns;

    Held(Frame frame, int rows) {
      this.frame = frame;
      this.rows = rows;
      this.columns = new float[frame.sets() * frame.width()][rows * frame.together()];
    }

    @Override
    public void add(AlignedBlock block) {
      BlockData data =
          new BlockData(block.tensors().get(0).dtype(), block.data()[0], 0, block.length(0));
      int row = (int) (block.place().offset() / frame.columns());
      int column = (int) (block.place().offset() % frame.columns());
      for (int i = 0; i < block.count(); i++) {
        int at = column / frame.width();
        int set = at / frame.together();
        columns[set * frame.width() + column % frame.width()][at % frame.together() * rows + row] =
            (float) Math.abs(data.at(i));
        if (++column == frame.columns()) {
          column = 0;
          row++;
        }
      }
    }

    @Override
    public void merge(Held other) {
      throw new IllegalStateException("one task sees all blocks");
    }
  }

  @Override
  public Held open(List<TensorSpec> tensors) {
    TensorSpec tensor = tensors.get(0);
    return new Held(frame(tensor), Math.toIntExact(tensor.shape().dims().get(0)));
  }

  private Frame frame(TensorSpec tensor) {
    return Objects.requireNonNull(frames.get(tensor.name()), tensor.name());
  }

  @Override
  public Found conclude(List<TensorSpec> tensors, Held sketch) {
    int width = sketch.frame.width();
    int[] order = new int[sketch.columns.length];
    double before = 0;
    double after = 0;
    for (int first = 0; first < order.length; first += width) {
      float[][] columns = java.util.Arrays.copyOfRange(sketch.columns, first, first + width);
      int[] same = IntStream.range(0, width).toArray();
      int[] other = ChannelPermutation.of(columns, n, m);
      double keptBefore = ChannelPermutation.kept(columns, same, n, m);
      double keptAfter = ChannelPermutation.kept(columns, other, n, m);
      boolean better = keptAfter > keptBefore;
      before += keptBefore;
      after += better ? keptAfter : keptBefore;
      for (int d = 0; d < width; d++) {
        order[first + d] = first + (better ? other[d] : d);
      }
    }
    return new Found(order, before, after);
  }

  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    return Float.BYTES * tensors.get(0).elements() + (1L << 20);
  }
}
