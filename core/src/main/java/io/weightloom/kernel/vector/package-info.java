/**
 * The SIMD form of the kernels, the only package that links {@code jdk.incubator.vector}. Imported
 * by nobody: {@code VectorKernelProvider} finds it by name.
 *
 * <p>Each loop is straight-line code over vectors of the preferred width, with a plain loop for the
 * rest. No method takes or returns a vector: such a helper, once compiled by itself, is larger than
 * what C2 inlines, and from then on every call allocates (7 times slower, in some runs only).
 */
@NullMarked
package io.weightloom.kernel.vector;

import org.jspecify.annotations.NullMarked;
