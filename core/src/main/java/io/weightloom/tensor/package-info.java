/** Dtypes, shapes, tensor names. May be imported by everyone; imports {@code error} only. */
@NullMarked
package io.weightloom.tensor;

import org.jspecify.annotations.NullMarked;
