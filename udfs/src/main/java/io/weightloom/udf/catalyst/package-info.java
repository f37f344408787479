/**
 * The one place that touches Spark's expressions, which are no stable interface: what may have to
 * change with a version of Spark is here.
 */
@NullMarked
package io.weightloom.udf.catalyst;

import org.jspecify.annotations.NullMarked;
