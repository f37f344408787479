/**
 * Models of which some units stay, in an order of their own: shown as a model directory whose
 * weights are gathered when they are read. May be imported by nobody; met through {@link
 * io.weightloom.io.Storage#of}. Imports {@code io}, and the arithmetic of {@code merge}.
 */
@NullMarked
package io.weightloom.io.units;

import org.jspecify.annotations.NullMarked;
