package io.weightloom.io.table;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.Reads;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.parquet.format.Util;
import org.jspecify.annotations.Nullable;

/**
 * A weights file that lies in a table as blocks. Where a block lies as it is, one positional read
 * of the part puts it into the caller's array; any other is decoded whole, and the last few are
 * kept, for readers take a block in pieces. Thread-safe.
 */
final class BlocksSource implements ByteSource {
  private static final int KEPT_BLOCKS = 4;
  private static final long KEPT_COLUMN_BYTES = 512L << 20;

  private final String path;
  private final BlockTable table;
  private final BlockTable.Shard shard;
  private final boolean checked;
  private final Map<String, ByteSource> open = new ConcurrentHashMap<>();
  private final Map<Long, byte[]> kept =
      new LinkedHashMap<>(KEPT_BLOCKS, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, byte[]> eldest) {
          return size() > KEPT_BLOCKS;
        }
      };
  private @Nullable Column column;

  /** The data column of a row group, decoded. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Column(String part, long group, byte[][] values) {}

  /**
   * @param path what to call it in errors
   * @param checked whether blocks are held against their digests
   */
  BlocksSource(String path, BlockTable table, BlockTable.Shard shard, boolean checked) {
    this.path = path;
    this.table = table;
    this.shard = shard;
    this.checked = checked;
  }

  @Override
  public String path() {
    return path;
  }

  @Override
  public long size() {
    return shard.size();
  }

  @Override
  public void readFully(long position, byte[] dst, int offset, int length) {
    Reads.check(this, position, dst, offset, length);
    int done = Reads.head(shard.header(), position, dst, offset, length);
    int at = done < length ? shard.at(position + done) : 0;
    while (done < length) {
      long begin = shard.begins()[at];
      int skip = (int) (position + done - begin);
      int n = (int) Math.min(length - done, shard.end(at) - begin - skip);
      read(shard.rows()[at], skip, dst, offset + done, n);
      done += n;
      at++;
    }
  }

  private void read(long number, int skip, byte[] dst, int offset, int n) {
    BlockTable.Found found = table.find(number);
    StoredRow row = found.row();
    boolean whole = n == row.bytes();
    if (row.place().kind() == StoredRow.Kind.RAW && (whole || !checked)) {
      source(found.part()).readFully(row.place().at() + skip, dst, offset, n);
      if (checked) {
        check(found, dst, offset);
      }
    } else {
      System.arraycopy(block(number, found), skip, dst, offset, n);
    }
  }

  private void check(BlockTable.Found found, byte[] block, int offset) {
    StoredRow row = found.row();
    Long said = row.digest();
    long digest = ContentDigest.chunk(block, offset, row.bytes());
    if (said != null && said != digest) {
      throw WeightloomException.gate(
          "Cannot trust %s: %s in row %d of %s has digest %s, the table says %s (the table is corrupt: explode the model again)"
              .formatted(
                  path,
                  row,
                  row.row(),
                  found.part(),
                  HexFormat.of().toHexDigits(digest),
                  HexFormat.of().toHexDigits(said)));
    }
  }

  /** A whole block; not to be changed. */
  private byte[] block(long number, BlockTable.Found found) {
    synchronized (kept) {
      byte[] block = kept.get(number);
      if (block != null) {
        return block;
      }
    }
    byte[] block = decode(found);
    if (checked) {
      check(found, block, 0);
    }
    synchronized (kept) {
      kept.put(number, block);
    }
    return block;
  }

  private byte[] decode(BlockTable.Found found) {
    StoredRow row = found.row();
    byte[] stored =
        switch (row.place().kind()) {
          case RAW -> {
            byte[] bytes = new byte[row.bytes()];
            source(found.part()).readFully(row.place().at(), bytes, 0, bytes.length);
            yield bytes;
          }
          case PAGE -> page(found);
          case COLUMN -> column(found);
        };
    if (row.packed()) {
      return PackedBlock.unpack(
          "%s in row %d of %s".formatted(row, row.row(), found.part()), stored, row.bytes());
    }
    if (stored.length != row.bytes()) {
      throw malformed(found, "it has %d bytes, expected %d".formatted(stored.length, row.bytes()));
    }
    return stored;
  }

  /** The only value of a page that is neither encoded nor compressed. */
  private byte[] page(BlockTable.Found found) {
    byte[] page = new byte[found.row().place().length()];
    source(found.part()).readFully(found.row().place().at(), page, 0, page.length);
    ByteArrayInputStream in = new ByteArrayInputStream(page);
    int values;
    try {
      values = Util.readPageHeader(in).getUncompressed_page_size();
    } catch (IOException e) {
      throw malformed(found, "its page header is broken, " + e.getMessage());
    }
    int begin = page.length - values + Integer.BYTES;
    int length = begin < Integer.BYTES || begin > page.length ? -1 : length(page, begin);
    if (length != page.length - begin) {
      throw malformed(found, "its page of %d bytes says it has %d".formatted(page.length, length));
    }
    return Arrays.copyOfRange(page, begin, page.length);
  }

  private static int length(byte[] page, int begin) {
    return ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN).getInt(begin - Integer.BYTES);
  }

  /** One column at a time: it may have some hundred megabytes. */
  private synchronized byte[] column(BlockTable.Found found) {
    StoredRow.Place place = found.row().place();
    Column last = column;
    if (last == null || !last.part.equals(found.part()) || last.group != place.at()) {
      column = null;
      try (PartReader reader = new PartReader(source(found.part()))) {
        byte[][] values = reader.decode((int) place.at(), KEPT_COLUMN_BYTES);
        last = new Column(found.part(), place.at(), values);
      }
      column = last;
    }
    return last.values[place.length()];
  }

  private WeightloomException malformed(BlockTable.Found found, String why) {
    return WeightloomException.input(
        "Cannot read %s: %s in row %d of %s: %s (the table is corrupt: explode the model again)"
            .formatted(path, found.row(), found.row().row(), found.part(), why));
  }

  private ByteSource source(String part) {
    return open.computeIfAbsent(part, p -> table.storage().open(p));
  }

  @Override
  public void close() {
    open.values().forEach(ByteSource::close);
    open.clear();
  }
}
