package io.weightloom.source;

import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.read.HasPartitionKey;
import org.apache.spark.sql.connector.read.InputPartition;
import org.apache.spark.unsafe.types.UTF8String;

/** What one task of a scan reads. */
sealed interface ReadTask extends InputPartition {

  /** The blocks, none of them empty. */
  List<BlockSpan> spans();

  /** Blocks of whatever tensors, one span after the other. */
  record Packed(List<BlockSpan> spans) implements ReadTask {
    private static final long serialVersionUID = 1;
  }

  /** All blocks of one tensor, of all models: in order of their numbers. */
  record OfTensor(List<BlockSpan> spans) implements ReadTask, HasPartitionKey {
    private static final long serialVersionUID = 1;

    @Override
    public InternalRow partitionKey() {
      String name = spans.get(0).tensor().name();
      return new GenericInternalRow(new Object[] {UTF8String.fromString(name)});
    }
  }
}
