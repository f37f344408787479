package io.weightloom.stats;

import io.weightloom.tensor.TensorSpec;

/**
 * What is said of the distances of a row.
 *
 * @param model the model's name
 * @param tensor the tensor
 * @param isUnused whether the row is one of the unused ones
 */
public record RowDistanceReport(
    String model, TensorSpec tensor, RowDistanceScan.Distances distances, boolean isUnused) {}
