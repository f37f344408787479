/**
 * Models beside each other: how far weights have moved from a base or lie from each other, whether
 * task vectors agree, and who may descend from whom. Imports {@code stats}, {@code analysis},
 * {@code merge} (its arithmetic), {@code kernel}, {@code tensor} and {@code error}.
 *
 * <p>τ is the difference of two stored values, rounded once to fp32. All sums are exact over
 * blocks, so that neither tasks nor their order show.
 */
@NullMarked
package io.weightloom.compare;

import org.jspecify.annotations.NullMarked;
