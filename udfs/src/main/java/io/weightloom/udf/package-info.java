/**
 * SQL functions over blocks of weights. Each is one small class with a static {@code invoke};
 * {@link io.weightloom.udf.Functions} is the table of all, from which they are registered as {@code
 * wl_…} by {@link io.weightloom.udf.WeightloomExtensions} and in a catalog by {@link
 * io.weightloom.udf.WeightloomFunctions}. Imports {@code stats}, the digest of {@code io}, and
 * Spark.
 */
@NullMarked
package io.weightloom.udf;

import org.jspecify.annotations.NullMarked;
