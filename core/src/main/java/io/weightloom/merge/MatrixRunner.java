package io.weightloom.merge;

import io.weightloom.kernel.Kernels;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.SpanRunner.BlockReader;
import io.weightloom.merge.SpanRunner.BlockWriter;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.util.Map;

/**
 * Runs a matrix method on one tensor: decodes the rows that it asks for and encodes those that it
 * gives. Keeps its buffers between tensors; belongs to one thread.
 */
public final class MatrixRunner {

  /** Elements of a block of rows. Fixed: the order of sums follows from it. */
  private static final int BLOCK_ELEMENTS = 1 << 20;

  private final DenseLinAlg linAlg;
  private final DoubleArith arith;
  private final double[] chunk;
  private byte[] bytes = new byte[0];

  public MatrixRunner(Kernels kernels, DenseLinAlg linAlg) {
    this.linAlg = linAlg;
    this.arith = new DoubleArith(kernels);
    this.chunk = arith.vector();
  }

  /** Rows of a block of a matrix with this many columns. */
  public static int blockRows(long columns) {
    return (int) Math.max(1, BLOCK_ELEMENTS / Math.max(1, columns));
  }

  /**
   * Merges a matrix.
   *
   * @param checkFinite whether a NaN or an infinity is an error of the model
   * @return the method's decisions
   */
  public Map<String, Object> merge(
      MatrixMethod method,
      TensorMerge matrix,
      BlockReader reader,
      BlockWriter writer,
      boolean checkFinite) {
    return method.merge(matrix, new Rows(matrix, reader, writer, checkFinite), linAlg);
  }

  private byte[] bytes(int length) {
    if (bytes.length < length) {
      bytes = new byte[length];
    }
    return bytes;
  }

  private final class Rows implements MatrixRows {
    private final TensorMerge matrix;
    private final BlockReader reader;
    private final BlockWriter writer;
    private final boolean checkFinite;

    Rows(TensorMerge matrix, BlockReader reader, BlockWriter writer, boolean checkFinite) {
      this.matrix = matrix;
      this.reader = reader;
      this.writer = writer;
      this.checkFinite = checkFinite;
    }

    @Override
    public int rows() {
      return Math.toIntExact(matrix.output().shape().dims().get(0));
    }

    @Override
    public int columns() {
      return Math.toIntExact(matrix.output().shape().dims().get(1));
    }

    @Override
    public int models() {
      return matrix.inputs().size();
    }

    @Override
    public int blockRows() {
      return Math.min(rows(), MatrixRunner.blockRows(columns()));
    }

    @Override
    public void read(int model, int first, Matrix into) {
      TensorSpec base = matrix.base();
      if (model == SpanRunner.BASE && base == null) {
        throw new IllegalStateException("this merge has no base model");
      }
      TensorSpec spec =
          model == SpanRunner.BASE && base != null ? base : matrix.inputs().get(model).spec();
      int width = spec.dtype().bytes();
      int length = Math.multiplyExact(into.size(), width);
      byte[] block = bytes(length);
      long begin = (long) first * into.columns();
      reader.read(model, begin * width, block, length);
      for (int at = 0; at < into.size(); at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, into.size() - at);
        arith.decode(spec.dtype(), block, at * width, chunk, n);
        if (checkFinite) {
          ValueChecks.requireFinite(arith, matrix, model, spec, chunk, begin + at, n);
        }
        System.arraycopy(chunk, 0, into.values(), at, n);
      }
    }

    @Override
    public void write(int first, Matrix rows) {
      DType dtype = matrix.output().dtype();
      int width = dtype.bytes();
      int length = Math.multiplyExact(rows.size(), width);
      byte[] block = bytes(length);
      for (int at = 0; at < rows.size(); at += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, rows.size() - at);
        System.arraycopy(rows.values(), at, chunk, 0, n);
        arith.encode(dtype, chunk, n, block, at * width);
      }
      writer.write((long) first * rows.columns() * width, block, length);
    }

    @Override
    public Matrix gram(String table, int model) {
      int at = matrix.firstSide(table) + model;
      TensorMerge.Side side = matrix.sides().get(at);
      Matrix gram = Matrix.zeros(columns(), columns());
      int width = side.spec().dtype().bytes();
      for (int done = 0; done < gram.size(); done += Arith.CAPACITY) {
        int n = Math.min(Arith.CAPACITY, gram.size() - done);
        byte[] block = bytes(n * width);
        reader.read(matrix.inputs().size() + at, (long) done * width, block, n * width);
        arith.decode(side.spec().dtype(), block, 0, chunk, n);
        ValueChecks.requireAllowed(arith, matrix, side, chunk, done, n);
        System.arraycopy(chunk, 0, gram.values(), done, n);
      }
      return gram;
    }
  }
}
