package io.weightloom.source;

import io.weightloom.io.ContentDigest;
import io.weightloom.tensor.BlockCut.Block;
import java.util.HexFormat;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/**
 * A row whose data is read when it is asked for, which is after the filters that Spark keeps to
 * itself. Whoever keeps the row copies it, by Spark's contract, and a copy is complete.
 */
final class BlockRow extends GenericInternalRow {
  private static final long serialVersionUID = 1;

  /** Stands for what was not read yet. */
  static final Object PENDING = new Object();

  private final transient @Nullable Object[] cells;
  private final transient BlockReader reader;
  private final transient TensorBlocks tensor;
  private final transient Block block;
  private final transient byte[] @Nullable [] data;

  BlockRow(@Nullable Object[] cells, BlockReader reader, TensorBlocks tensor, Block block) {
    super(cells);
    this.cells = cells;
    this.reader = reader;
    this.tensor = tensor;
    this.block = block;
    this.data = new byte[tensor.inputs().size()][];
  }

  @Override
  public @Nullable Object genericGet(int ordinal) {
    Object cell = cells[ordinal];
    if (cell == PENDING) {
      cell = load(reader.column(ordinal));
      cells[ordinal] = cell;
    }
    return cell;
  }

  private @Nullable Object load(BlockColumn column) {
    byte[] bytes = bytes(column.input());
    if (column.kind() == BlockColumn.Kind.DATA) {
      return bytes;
    }
    long start = System.nanoTime();
    Object value =
        column.kind() == BlockColumn.Kind.DIGEST
            ? UTF8String.fromString(
                HexFormat.of().toHexDigits(ContentDigest.chunk(bytes, 0, bytes.length)))
            : StatsColumn.of(tensor.inputs().get(column.input()).spec().dtype(), bytes);
    reader.metrics().addDecode(System.nanoTime() - start);
    return value;
  }

  private byte[] bytes(int input) {
    byte[] bytes = data[input];
    if (bytes == null) {
      bytes = reader.read(tensor, input, block);
      data[input] = bytes;
    }
    return bytes;
  }
}
