package io.weightloom.linalg;

import io.weightloom.kernel.Provider;

/** Offers an implementation of {@link DenseLinAlg}; found by {@link java.util.ServiceLoader}. */
public interface LinAlgProvider extends Provider<DenseLinAlg> {}
