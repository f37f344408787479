package io.weightloom.io.safetensors;

import io.weightloom.tensor.TensorSpec;

/**
 * A tensor and its place in a file.
 *
 * @param spec the tensor
 * @param begin the first byte, counted from the file's begin
 * @param end the byte behind the last
 */
public record StoredTensor(TensorSpec spec, long begin, long end) {}
