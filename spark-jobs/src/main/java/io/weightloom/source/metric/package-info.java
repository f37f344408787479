/**
 * What tasks of the data source tell Spark's SQL tab. Public top-level classes: Spark makes them by
 * their names when it shows a query.
 */
@NullMarked
package io.weightloom.source.metric;

import org.jspecify.annotations.NullMarked;
