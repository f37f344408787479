package io.weightloom.source;

import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.sql.connector.read.PartitionReader;
import org.apache.spark.sql.connector.read.PartitionReaderFactory;

/**
 * Makes the readers of a scan. Rows, not batches: a block is as large as a batch, and a row of one
 * block goes by reference into the functions of the query.
 *
 * @param columns what a row has
 * @param filter what is left to ask of each block
 */
record BlockReaderFactory(List<BlockColumn> columns, HeaderFilter filter)
    implements PartitionReaderFactory {
  private static final long serialVersionUID = 1;

  @Override
  public PartitionReader<InternalRow> createReader(InputPartition partition) {
    return new BlockReader((ReadTask) partition, columns, filter);
  }
}
