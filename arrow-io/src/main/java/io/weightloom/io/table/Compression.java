package io.weightloom.io.table;

/** How the blocks of a table are packed. */
public enum Compression {
  /** Not at all: a block's bytes lie in the file as they are, and are read at its speed. */
  NONE,
  /** By {@link PackedBlock}, where that makes a block smaller. */
  ZSTD
}
