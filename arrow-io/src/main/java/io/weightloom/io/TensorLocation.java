package io.weightloom.io;

import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;

/**
 * Where the bytes of a tensor are.
 *
 * @param spec the tensor
 * @param file the full path of its file
 * @param begin the first byte in the file
 * @param end the byte behind the last
 */
public record TensorLocation(TensorSpec spec, String file, long begin, long end)
    implements Serializable {}
