package io.weightloom.compare;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.WholeSketch;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How much of their leading singular directions task vectors of one matrix have in common. The base
 * is the first model. One task sees a tensor and holds its task vectors; blocks are cut by the
 * shape alone, so that nothing else shows.
 *
 * @param directions r, how many of the leading ones
 * @param linAlg the linear algebra that the driver chose, so that all tasks compute by one
 */
public record SubspaceScan(int directions, String linAlg)
    implements Scan<SubspaceScan.Deltas, SubspaceScan.Found> {
  private static final long serialVersionUID = 1;

  /** The widest Gram matrix that an array holds. */
  private static final int WIDEST = 46_340;

  /** Why such a tensor has no subspaces; null if it has. */
  public static @Nullable String reason(TensorSpec tensor) {
    Shape shape = tensor.shape();
    if (shape.rank() != 2 || tensor.elements() == 0) {
      return "no matrix: %s".formatted(shape);
    }
    long rows = shape.dims().get(0);
    long columns = shape.dims().get(1);
    return Math.min(rows, columns) > WIDEST || Math.max(rows, columns) > Integer.MAX_VALUE / 2
        ? "%s is too wide for a Gram matrix".formatted(shape)
        : null;
  }

  @Override
  public Deltas open(List<TensorSpec> tensors) {
    return new Deltas(tensors);
  }

  @Override
  public Found conclude(List<TensorSpec> tensors, Deltas sketch) {
    List<Subspaces> each = new ArrayList<>();
    for (TallMatrix delta : sketch.deltas) {
      each.add(Subspaces.of(delta, directions, LinAlgRegistry.named(linAlg)));
    }
    List<Overlap> overlaps = new ArrayList<>();
    for (int a = 0; a < each.size(); a++) {
      for (int b = a + 1; b < each.size(); b++) {
        overlaps.add(overlap(a, b, each, sketch.deltas));
      }
    }
    return new Found(overlaps, null);
  }

  private Overlap overlap(int a, int b, List<Subspaces> each, List<TallMatrix> deltas) {
    Subspaces first = each.get(a);
    Subspaces second = each.get(b);
    int shared = Math.min(first.rank(), second.rank());
    double[] inner = {
      Subspaces.overlap(first.inner(), second.inner(), shared),
      Cka.inner(first.gram(), second.gram())
    };
    double[] outer = {
      Subspaces.overlap(first.outer(), second.outer(), shared),
      Cka.outer(
          deltas.get(a), first.gram(), deltas.get(b), second.gram(), LinAlgRegistry.named(linAlg))
    };
    boolean isTransposed = deltas.get(0).isTransposed();
    double[] left = isTransposed ? inner : outer;
    double[] right = isTransposed ? outer : inner;
    return new Overlap(a + 1, b + 1, shared, left[0], right[0], left[1], right[1]);
  }

  @Override
  public boolean isWhole(List<TensorSpec> tensors) {
    return true;
  }

  @Override
  public long workBytes(List<TensorSpec> tensors) {
    List<Long> dims = tensors.get(0).shape().dims();
    long side = Math.min(dims.get(0), dims.get(1));
    long other = Math.max(dims.get(0), dims.get(1));
    long tasks = tensors.size() - 1L;
    long kept = tasks * (Math.min(directions, side) * (side + other) + side * side) * Double.BYTES;
    return tasks * side * other * Float.BYTES + kept + 5 * side * side * Double.BYTES;
  }

  @Override
  public Found tooLarge(List<TensorSpec> tensors, String why) {
    return new Found(List.of(), why);
  }

  @Override
  public int blockElements() {
    return CompareScan.BLOCK_ELEMENTS;
  }

  /**
   * Two task vectors.
   *
   * @param first index of a model
   * @param second index of another
   * @param directions r: as many as asked for, or the lesser rank of both if that is less
   * @param left ‖UₐᵀU_b‖²_F / r of the left singular vectors, from 0 to 1; NaN if r is 0
   * @param right likewise of the right ones
   * @param leftCka linear CKA of the rows, ‖τₐᵀτ_b‖²_F / (‖τₐᵀτₐ‖_F ‖τ_bᵀτ_b‖_F); NaN if one is 0
   * @param rightCka likewise of the columns
   */
  public record Overlap(
      int first,
      int second,
      int directions,
      double left,
      double right,
      double leftCka,
      double rightCka)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * The pairs of task vectors of a tensor.
   *
   * @param reason why there are none; null if there are
   */
  public record Found(List<Overlap> overlaps, @Nullable String reason) implements Serializable {
    private static final long serialVersionUID = 1;

    public Found {
      overlaps = List.copyOf(overlaps);
    }
  }

  /** Holds the task vectors; never travels. */
  @SuppressWarnings("serial")
  public static final class Deltas implements WholeSketch<Deltas> {
    private static final long serialVersionUID = 1;

    private final int models;
    private final List<TallMatrix> deltas = new ArrayList<>();

    Deltas(List<TensorSpec> tensors) {
      models = tensors.size();
      List<Long> dims = tensors.get(0).shape().dims();
      for (int k = 1; k < models; k++) {
        deltas.add(new TallMatrix(Math.toIntExact(dims.get(0)), Math.toIntExact(dims.get(1))));
      }
    }

    @Override
    public void add(AlignedBlock block) {
      Differences differences = new Differences(KernelRegistry.get().kernels(), models, true);
      differences.walk(
          block,
          n -> {
            for (int k = 0; k < deltas.size(); k++) {
              deltas.get(k).append(differences.deltas[k], n);
            }
          });
    }
  }
}
