package io.weightloom.compare;

import io.weightloom.tensor.TensorSpec;
import org.jspecify.annotations.Nullable;

/**
 * Two task vectors of a tensor, or why their subspaces were not compared.
 *
 * @param name the tensor's
 * @param tensor as the base has it
 * @param first a model; empty where there is a reason
 * @param second another
 * @param overlap null where there is a reason
 * @param reason null where there is none
 */
public record SubspaceRow(
    String name,
    TensorSpec tensor,
    String first,
    String second,
    SubspaceScan.@Nullable Overlap overlap,
    @Nullable String reason) {}
