/**
 * Block tables: models as Parquet rows of tensor blocks, written beside each other in partitions
 * and read back as if they were model directories. The only package of this module that imports
 * Parquet. May be imported by {@code spark-jobs}; met through {@link io.weightloom.io.Storage#of}
 * by everybody else.
 */
@NullMarked
package io.weightloom.io.table;

import org.jspecify.annotations.NullMarked;
