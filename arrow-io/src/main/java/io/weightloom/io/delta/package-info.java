/**
 * Task vectors of few values: how a bundle stores them, and a storage that shows them as model
 * directories whose weights are unpacked when they are read. Imports {@code io}.
 */
@NullMarked
package io.weightloom.io.delta;

import org.jspecify.annotations.NullMarked;
