/**
 * Pruning rules as merge methods of one model: which weights become 0. May be imported by nobody
 * but those who plan budgets; imports {@code merge}, {@code merge.taskvector}, {@code linalg},
 * {@code stats}, {@code tensor} and {@code error}.
 */
@NullMarked
package io.weightloom.prune;

import org.jspecify.annotations.NullMarked;
