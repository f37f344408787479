/**
 * A folder of models as a Spark SQL catalog: each model is a namespace that holds the tables {@code
 * blocks}, {@code tensors} and {@code config}. Loaded by Spark by the catalog's class name.
 */
@NullMarked
package io.weightloom.catalog;

import org.jspecify.annotations.NullMarked;
