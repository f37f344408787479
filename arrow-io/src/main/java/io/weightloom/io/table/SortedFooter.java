package io.weightloom.io.table;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;

/**
 * Gives the footer of a Parquet file the same bytes in every JVM: Parquet's writer lists the
 * encodings of a column in the order of a hash set, which goes by where the JVM put them.
 */
final class SortedFooter {
  /** The footer's length and the magic number. */
  private static final int TAIL = 8;

  private SortedFooter() {}

  /** Sorts in place. The file must be a whole Parquet file, without encryption. */
  static void sort(Path file) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer tail = read(channel, channel.size() - TAIL, TAIL);
      int length = tail.getInt(0);
      long begin = channel.size() - TAIL - length;
      FileMetaData footer =
          Util.readFileMetaData(new ByteArrayInputStream(read(channel, begin, length).array()));
      for (RowGroup group : footer.getRow_groups()) {
        for (ColumnChunk column : group.getColumns()) {
          Collections.sort(column.getMeta_data().getEncodings());
        }
      }
      ByteArrayOutputStream sorted = new ByteArrayOutputStream(length);
      Util.writeFileMetaData(footer, sorted);
      if (sorted.size() != length) {
        throw new IOException(
            "the footer of %s has %d bytes, sorted %d".formatted(file, length, sorted.size()));
      }
      ByteBuffer out = ByteBuffer.wrap(sorted.toByteArray());
      while (out.hasRemaining()) {
        channel.write(out, begin + out.position());
      }
    }
  }

  private static ByteBuffer read(FileChannel channel, long at, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes, at + bytes.position()) < 0) {
        throw new IOException("the file ends at byte " + (at + bytes.position()));
      }
    }
    return bytes;
  }
}
