/**
 * Low-rank adapters: a base model with adapters folded in, shown as a model directory whose weights
 * are computed when they are read. May be imported by nobody; met through {@link
 * io.weightloom.io.Storage#of}. Imports {@code io}, and the arithmetic of {@code merge}.
 */
@NullMarked
package io.weightloom.io.lora;

import org.jspecify.annotations.NullMarked;
