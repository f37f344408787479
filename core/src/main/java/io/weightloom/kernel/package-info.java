/**
 * Numeric primitives over short vectors, in a scalar and a SIMD form that agree bit for bit. May be
 * imported by everyone; imports {@code tensor} only. {@code jdk.incubator.vector} is linked in
 * {@code kernel.vector} alone.
 */
@NullMarked
package io.weightloom.kernel;

import org.jspecify.annotations.NullMarked;
