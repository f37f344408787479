/**
 * Linear algebra by OpenBLAS, its own LAPACK included. The fast provider, in a jar of its own.
 * Known by nobody; found by {@link java.util.ServiceLoader}.
 */
@NullMarked
package io.weightloom.linalg.openblas;

import org.jspecify.annotations.NullMarked;
