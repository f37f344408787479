/**
 * Files behind Hadoop's file systems: HDFS, S3A and others. Met through {@link
 * io.weightloom.io.Storage#of}; may be imported by {@code spark-jobs}, which hands over Spark's
 * Hadoop configuration. The only package of this module that imports Hadoop.
 */
@NullMarked
package io.weightloom.io.hadoop;

import org.jspecify.annotations.NullMarked;
