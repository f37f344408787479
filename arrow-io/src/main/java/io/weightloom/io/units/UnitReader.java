package io.weightloom.io.units;

import io.weightloom.io.ByteSource;

/** Reads what stays of one tensor. Thread-safe. */
interface UnitReader {

  /**
   * Reads bytes of what stays.
   *
   * @param base the file of the tensor
   * @param position counted from the first byte of what stays
   */
  void read(ByteSource base, long position, byte[] dst, int offset, int length);
}
