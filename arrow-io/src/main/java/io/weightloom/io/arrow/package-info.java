/**
 * Blocks and their statistics as Arrow's inter-process format, for programs that take them over
 * without a copy. The only package of this module that imports Arrow. May be imported by {@code
 * spark-jobs}.
 */
@NullMarked
package io.weightloom.io.arrow;

import org.jspecify.annotations.NullMarked;
