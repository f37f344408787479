package io.weightloom.stats;

import io.weightloom.tensor.TensorSpec;

/**
 * What is said of a row, a column or a block.
 *
 * @param model the model's name
 */
public record PartReport(String model, TensorSpec tensor, PartStats part) {}
