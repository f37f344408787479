/**
 * The SIMD form of the kernels, the only package that links {@code jdk.incubator.vector}. Imported
 * by nobody: {@code VectorKernelProvider} finds it by name. Each loop is straight-line code over
 * vectors of the preferred width with a plain loop for the rest, so that C2 can keep all values in
 * registers; conditions are masks of integers where that is not slower, for masks cost a round trip
 * through registers on JDK 17.
 */
@NullMarked
package io.weightloom.kernel.vector;

import org.jspecify.annotations.NullMarked;
