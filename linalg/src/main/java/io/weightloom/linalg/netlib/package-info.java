/**
 * Linear algebra by netlib's BLAS and LAPACK in Java, the products in {@code jdk.incubator.vector}
 * where that module is there. The light provider: no natives. Known by nobody; found by {@link
 * java.util.ServiceLoader}.
 */
@NullMarked
package io.weightloom.linalg.netlib;

import org.jspecify.annotations.NullMarked;
