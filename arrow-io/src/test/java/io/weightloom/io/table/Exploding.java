package io.weightloom.io.table;

import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.StoredTensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Writes a model as a partition, rows by so many a file; tests may change the rows before. */
record Exploding(
    int elements, Compression compression, int rowsPerPart, UnaryOperator<List<BlockRow>> change) {
  static final Exploding PLAIN =
      new Exploding(64, Compression.NONE, Integer.MAX_VALUE, UnaryOperator.identity());

  Exploding elements(int value) {
    return new Exploding(value, compression, rowsPerPart, change);
  }

  Exploding compression(Compression value) {
    return new Exploding(elements, value, rowsPerPart, change);
  }

  Exploding rowsPerPart(int value) {
    return new Exploding(elements, compression, value, change);
  }

  /** With the rows changed, while the layout says what it would have said. */
  Exploding change(UnaryOperator<List<BlockRow>> value) {
    return new Exploding(elements, compression, rowsPerPart, value);
  }

  /** Gives the partition's directory. */
  Path write(Path model, Path table, String name) {
    Path dir = table.resolve(BlockTables.partition(name));
    ModelDir source = ModelDir.open(model.toString(), Profile.REFERENCE);
    try {
      Path beside = Files.createDirectories(dir.resolve(BlockTables.MODEL_FILES));
      List<String> companions = new ArrayList<>(source.companionFiles());
      if (!source.index().isEmpty()) {
        companions.add(source.index());
      }
      for (String file : companions) {
        Files.copy(model.resolve(file), beside.resolve(file));
      }
      List<TableLayout.Part> parts = parts(dir, source);
      TableLayout layout =
          new TableLayout(
              TableLayout.SCHEMA,
              "test",
              name,
              null,
              elements,
              compression,
              source.index(),
              source.shards().stream().map(Exploding::shard).toList(),
              List.of(),
              "",
              "");
      Files.write(beside.resolve(BlockTables.LAYOUT), layout.with(parts).toJson());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return dir;
  }

  private static TableLayout.Shard shard(SafetensorsHeader header) {
    try (ByteSource source = Storage.of(header.path()).open(header.path())) {
      byte[] bytes = new byte[(int) header.dataStart()];
      source.readFully(0, bytes, 0, bytes.length);
      return new TableLayout.Shard(BlockTables.lastName(header.path()), bytes, source.size());
    }
  }

  private List<TableLayout.Part> parts(Path dir, ModelDir source) throws IOException {
    List<BlockRow> rows = new ArrayList<>();
    for (SafetensorsHeader shard : source.shards()) {
      for (StoredTensor t : shard.tensors()) {
        TensorLocation at = new TensorLocation(t.spec(), shard.path(), t.begin(), t.end());
        BlockRow.each(at, elements, 0, BlockRow.count(t.spec(), elements), rows::add);
      }
    }
    List<TableLayout.Part> parts = new ArrayList<>();
    for (int from = 0; from < rows.size(); from += Math.min(rowsPerPart, rows.size() - from)) {
      int to = (int) Math.min(rows.size(), (long) from + rowsPerPart);
      Path file = dir.resolve("part-%05d.parquet".formatted(parts.size()));
      List<BlockRow> changed = change.apply(new ArrayList<>(rows.subList(from, to)));
      try (PartWriter out = new PartWriter(file, null, compression)) {
        out.write(changed, Exploding::read);
        TableLayout.Part part = out.end("plan");
        parts.add(new TableLayout.Part(part.file(), to - from, part.bytes(), part.digest()));
      }
    }
    return parts;
  }

  private static void read(BlockRow row, byte[] into) {
    try (ByteSource source = Storage.of(row.file()).open(row.file())) {
      source.readFully(row.begin(), into, 0, row.bytes());
    }
  }
}
