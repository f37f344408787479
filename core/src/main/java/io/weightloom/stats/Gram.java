package io.weightloom.stats;

import io.weightloom.error.WeightloomException;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.tensor.DType;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * The inner products of K models over a range of elements, {@code G[i][j] = Σ xᵢ·xⱼ}: what cosines,
 * distances and span methods are computed from. Those of a block are fp64 sums in lanes; merging is
 * exact and does not depend on the order.
 *
 * @param models K
 * @param upper the upper triangle, by rows: K·(K+1)/2 sums
 */
public record Gram(int models, List<ExactSum> upper) implements Serializable {

  private static final long serialVersionUID = 1;

  /** The most models: the lanes of so many take 4 MiB. */
  public static final int MOST_MODELS = 256;

  public Gram {
    upper = List.copyOf(upper);
  }

  /**
   * The matrix of the same block of several models.
   *
   * @param blocks one a model, all of one length
   */
  public static Gram of(List<BlockData> blocks, Kernels kernels) {
    if (blocks.isEmpty() || blocks.size() > MOST_MODELS) {
      throw WeightloomException.usage(
          "Cannot compute the Gram matrix of %d blocks: it is one of 1 to %d models (give one block"
                  .formatted(blocks.size(), MOST_MODELS)
              + " of each)");
    }
    for (BlockData block : blocks) {
      if (block.count() != blocks.get(0).count()) {
        throw WeightloomException.input(
            "Cannot compute the Gram matrix of blocks of %d and %d elements: they must be cut alike"
                    .formatted(blocks.get(0).count(), block.count())
                + " (give blocks of tensors of one shape, with the same block number)");
      }
    }
    return BlockData.work(
        kernels,
        new BlockData.Work<Gram>() {
          @Override
          public <V> Gram in(Arith<V> arith) {
            return of(blocks, arith);
          }
        },
        blocks.stream().map(BlockData::dtype).toArray(DType[]::new));
  }

  private static <V> Gram of(List<BlockData> blocks, Arith<V> arith) {
    int models = blocks.size();
    V[] values = arith.vectors(models);
    double[][] lanes = new double[triangle(models)][Kernels.LANES];
    int count = blocks.get(0).count();
    for (int first = 0; first < count; first += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, count - first);
      int cell = 0;
      for (int i = 0; i < models; i++) {
        blocks.get(i).decode(arith, values[i], first, n);
      }
      for (int i = 0; i < models; i++) {
        for (int j = i; j < models; j++) {
          arith.dot(values[i], values[j], lanes[cell++], n);
        }
      }
    }
    List<ExactSum> upper = new ArrayList<>(lanes.length);
    for (double[] cell : lanes) {
      double sum = 0;
      for (double lane : cell) {
        sum += lane;
      }
      upper.add(ExactSum.of(sum));
    }
    return new Gram(models, upper);
  }

  private static int triangle(int models) {
    return models * (models + 1) / 2;
  }

  /**
   * The matrix over the elements of both.
   *
   * @throws WeightloomException if they are of different numbers of models
   */
  public Gram merge(Gram other) {
    if (models != other.models) {
      throw WeightloomException.input(
          "Cannot merge Gram matrices of %d and %d models: they must be of the same ones (group by"
                  .formatted(models, other.models)
              + " what tells them apart)");
    }
    List<ExactSum> sum = new ArrayList<>(upper.size());
    for (int i = 0; i < upper.size(); i++) {
      sum.add(upper.get(i).plus(other.upper.get(i)));
    }
    return new Gram(models, sum);
  }

  /** The full matrix, symmetric. */
  public double[][] matrix() {
    double[][] matrix = new double[models][models];
    int cell = 0;
    for (int i = 0; i < models; i++) {
      for (int j = i; j < models; j++) {
        matrix[i][j] = upper.get(cell++).value();
        matrix[j][i] = matrix[i][j];
      }
    }
    return matrix;
  }

  /** A sketch; equal matrices give equal bytes. */
  public byte[] toBytes() {
    return Sketches.write(Sketches.Kind.GRAM, this::writeTo);
  }

  private void writeTo(DataOutputStream out) throws IOException {
    out.writeShort(models);
    for (ExactSum sum : upper) {
      sum.writeTo(out);
    }
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @throws WeightloomException if it is something else or damaged
   */
  public static Gram fromBytes(byte[] sketch) {
    return Sketches.read(Sketches.Kind.GRAM, sketch, Gram::readFrom);
  }

  private static Gram readFrom(DataInputStream in) throws IOException {
    int models = in.readUnsignedShort();
    if (models < 1 || models > MOST_MODELS) {
      throw new IOException(models + " models");
    }
    List<ExactSum> upper = new ArrayList<>();
    for (int i = 0; i < triangle(models); i++) {
      upper.add(ExactSum.readFrom(in));
    }
    return new Gram(models, upper);
  }
}
