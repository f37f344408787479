/**
 * How weights are looked at: a {@link io.weightloom.analysis.Scan} gathers a mergeable {@link
 * io.weightloom.analysis.Sketch} of each tensor, block by block, wherever the blocks are; what it
 * concludes becomes the rows of a documented {@link io.weightloom.analysis.Table}.
 */
@NullMarked
package io.weightloom.analysis;

import org.jspecify.annotations.NullMarked;
