package io.weightloom.kernel;

/** Offers an implementation of {@link Kernels}; found by {@link java.util.ServiceLoader}. */
public interface KernelProvider extends Provider<Kernels> {}
