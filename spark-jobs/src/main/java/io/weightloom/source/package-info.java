/**
 * Models as tables of Spark SQL: the data source {@code checkpoint}, one row a block of a tensor.
 * Reading: {@link io.weightloom.source.CheckpointSource} makes a {@link
 * io.weightloom.source.CheckpointTable}, its scan plans on headers alone, its readers hand out
 * blocks. Writing: a survey of the rows without their data fixes every output byte, a second pass
 * writes each block to its place. Imported by {@code catalog}; imports {@code job}'s output
 * directory and all below.
 */
@NullMarked
package io.weightloom.source;

import org.jspecify.annotations.NullMarked;
