/**
 * Where checkpoints are and what is in a model directory. May be imported by everyone but {@code
 * core}; imports {@code core}, Jackson and the formats below. Hadoop is met only in {@code
 * io.hadoop}.
 */
@NullMarked
package io.weightloom.io;

import org.jspecify.annotations.NullMarked;
