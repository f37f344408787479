/**
 * Methods whose output is a linear combination of the models, with coefficients that follow from
 * the Gram matrix of each tensor (or row, or of the whole model): one read for the matrix, one to
 * write, however often a formula iterates in between. May be imported by {@code merge.methods};
 * imports {@code merge}.
 */
@NullMarked
package io.weightloom.merge.span;

import org.jspecify.annotations.NullMarked;
