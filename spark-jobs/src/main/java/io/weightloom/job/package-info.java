/**
 * Jobs on Spark: each takes a request, gives a result, never prints and never exits. Imported by
 * {@code cli}.
 */
@NullMarked
package io.weightloom.job;

import org.jspecify.annotations.NullMarked;
