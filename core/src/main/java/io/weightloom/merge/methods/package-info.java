/**
 * The merge methods, one file each; none imports another. Imported by nobody: they are found by
 * {@link io.weightloom.merge.MergeMethods}. They import {@code merge}, {@code tensor} and {@code
 * error}.
 */
@NullMarked
package io.weightloom.merge.methods;

import org.jspecify.annotations.NullMarked;
