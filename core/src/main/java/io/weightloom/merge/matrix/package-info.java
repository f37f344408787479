/**
 * What methods on whole matrices share: task vectors as matrices, their leading subspaces, polar
 * factors, and the merge of what is no matrix. Known by the methods alone; imports {@code merge},
 * {@code linalg}, {@code tensor}.
 */
@NullMarked
package io.weightloom.merge.matrix;

import org.jspecify.annotations.NullMarked;
