/**
 * Statistics of blocks of weights, and arithmetic on whole blocks: what SQL functions, block tables
 * and reports are made of. May be imported by everyone but the packages it stands on; imports
 * {@code merge} (its arithmetic), {@code kernel}, {@code tensor} and {@code error}.
 *
 * <p>Statistics of blocks are small, merge into those of their union, and give the same bits in
 * whatever order they are merged: counts are added, sums are {@link io.weightloom.stats.ExactSum
 * exact}.
 */
@NullMarked
package io.weightloom.stats;

import org.jspecify.annotations.NullMarked;
