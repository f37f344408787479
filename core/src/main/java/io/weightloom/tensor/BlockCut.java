package io.weightloom.tensor;

import java.io.Serializable;

/**
 * How a tensor is cut into blocks: the unit in which weights are stored in block tables, read by
 * queries and handed to SQL functions.
 *
 * <p>A tensor is seen as a matrix of {@code rows} by {@code columns}, its first dimension by the
 * product of the others (a vector has rows of one element, a scalar is one row). A block is a run
 * of whole rows; only a row that is longer than a block is cut, and then no block holds more than
 * one row's part. The cut depends on the shape alone: models of one shape are cut alike, whatever
 * their dtypes.
 *
 * @param rows the first dimension
 * @param columns elements of a row
 * @param rowsPerBlock whole rows in a block; 0 if rows are cut
 * @param columnsPerBlock elements of a part of a row that is cut; {@code columns} otherwise
 */
public record BlockCut(long rows, long columns, long rowsPerBlock, long columnsPerBlock)
    implements Serializable {

  private static final long serialVersionUID = 1;

  /** Elements of a block unless asked otherwise: 1 MiB of a 16-bit type. */
  public static final int DEFAULT_ELEMENTS = 1 << 19;

  /**
   * A block of a tensor.
   *
   * @param index its number in the tensor, from 0
   * @param rowBegin its first row
   * @param rowEnd the row behind its last one
   * @param offset flat index of its first element
   * @param count its elements
   */
  public record Block(long index, long rowBegin, long rowEnd, long offset, long count)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * The cut of a shape.
   *
   * @param target how many elements a block should have, at least 1; a block has at most so many
   *     unless one row has more, and then exactly so many but for the row's last
   */
  public static BlockCut of(Shape shape, int target) {
    if (target < 1) {
      throw new IllegalArgumentException("blocks of " + target + " elements");
    }
    long rows = shape.rank() == 0 ? 1 : shape.dims().get(0);
    long elements = shape.elements();
    long columns = rows == 0 ? 0 : elements / rows;
    return columns > target
        ? new BlockCut(rows, columns, 0, target)
        : new BlockCut(rows, columns, Math.max(1, columns == 0 ? rows : target / columns), columns);
  }

  /**
   * The cut of a tensor: that of its shape. Elements narrower than a byte are seen as one row and
   * cut at multiples of eight, so that no byte is.
   */
  public static BlockCut of(TensorSpec tensor, int target) {
    return tensor.dtype().bits() % 8 == 0
        ? of(tensor.shape(), target)
        : of(Shape.of(1, tensor.elements()), Math.max(8, target / 8 * 8));
  }

  /** Whether rows are cut. */
  public boolean cutsRows() {
    return rowsPerBlock == 0;
  }

  /** How many blocks; none for a tensor without elements. */
  public long blocks() {
    if (rows == 0 || columns == 0) {
      return 0;
    }
    return cutsRows() ? rows * partsPerRow() : -Math.floorDiv(-rows, rowsPerBlock);
  }

  /** The block of this number. */
  public Block block(long index) {
    if (index < 0 || index >= blocks()) {
      throw new IndexOutOfBoundsException("block " + index + " of " + blocks());
    }
    if (cutsRows()) {
      long row = index / partsPerRow();
      long column = index % partsPerRow() * columnsPerBlock;
      long count = Math.min(columnsPerBlock, columns - column);
      return new Block(index, row, row + 1, row * columns + column, count);
    }
    long begin = index * rowsPerBlock;
    long end = Math.min(rows, begin + rowsPerBlock);
    return new Block(index, begin, end, begin * columns, (end - begin) * columns);
  }

  /** Rounded up. */
  private long partsPerRow() {
    return -Math.floorDiv(-columns, columnsPerBlock);
  }
}
