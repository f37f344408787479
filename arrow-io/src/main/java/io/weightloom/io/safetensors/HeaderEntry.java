package io.weightloom.io.safetensors;

import io.weightloom.tensor.DType;

/**
 * A tensor's line in the header, not yet trusted.
 *
 * @param dims the shape, unsigned
 * @param begin the first byte, unsigned, relative to the data's begin
 * @param end the byte behind the last, unsigned
 * @param at the byte of the file where the line begins
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record HeaderEntry(String name, DType dtype, long[] dims, long begin, long end, long at) {}
