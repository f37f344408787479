package io.weightloom.io.table;

import io.weightloom.tensor.TensorSpec;
import org.jspecify.annotations.Nullable;

/**
 * What a row of a table's file says of its block, and where it is in the file.
 *
 * @param row its number in the file
 * @param tensor the tensor
 * @param block the block's number in it
 * @param offset flat index of its first element
 * @param count its elements
 * @param model what the column {@code model} says, or null if the file has none
 * @param packed whether the block is in the form of {@link PackedBlock}
 * @param digest of the raw bytes, or null if the table has none
 * @param place where the block's bytes are
 */
record StoredRow(
    long row,
    TensorSpec tensor,
    long block,
    long offset,
    long count,
    @Nullable String model,
    boolean packed,
    @Nullable Long digest,
    Place place) {

  /**
   * Where the bytes of a block are in its file.
   *
   * @param kind how they are got
   * @param at RAW: their first byte; PAGE: the first byte of their page; COLUMN: the row group
   * @param length RAW and PAGE: how many bytes to read; COLUMN: the row in the group
   */
  record Place(Kind kind, long at, int length) {}

  /** How the bytes of a block are got. */
  enum Kind {
    /** They lie in the file as they are. */
    RAW,
    /** A page holds them as its only value, and is neither encoded nor compressed by Parquet. */
    PAGE,
    /** Parquet has to decode the column. */
    COLUMN
  }

  /** The raw bytes of the block. */
  int bytes() {
    return Math.toIntExact(count * tensor.dtype().bits() / 8);
  }

  /** Where the block begins among the tensor's bytes. */
  long begin() {
    return offset * tensor.dtype().bits() / 8;
  }

  @Override
  public String toString() {
    return "block " + block + " of " + tensor.name();
  }
}
