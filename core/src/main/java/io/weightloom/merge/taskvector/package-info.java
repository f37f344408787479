/**
 * Generalised task arithmetic: task vectors are dropped, trimmed, rescaled, weighted, elected and
 * added to the base. The methods of that family are rules of this one mechanism. May be imported by
 * {@code merge.methods}; imports {@code merge}.
 */
@NullMarked
package io.weightloom.merge.taskvector;

import org.jspecify.annotations.NullMarked;
