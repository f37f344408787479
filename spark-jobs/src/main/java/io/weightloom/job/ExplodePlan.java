package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.LocalStorage;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelIdentity;
import io.weightloom.io.ModelReference;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.io.table.BlockRow;
import io.weightloom.io.table.Compression;
import io.weightloom.io.table.TableLayout;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How a model becomes a partition of a block table: which blocks are in which file. Depends on the
 * model and the cut alone, so that a run that was killed finds its parts again.
 *
 * @param dir the model
 * @param name what the table calls it
 * @param layout the partition's layout, its parts still missing
 * @param parts the files to write
 */
record ExplodePlan(ModelDir dir, String name, TableLayout layout, List<Part> parts) {
  private static final int INDEX_LIMIT = 256 << 20;
  private static final long SMALL_MODEL = 64L << 30;
  private static final int MOST_ROWS = 200_000;

  /** Some of a tensor's blocks, one after the other. */
  record Run(TensorLocation tensor, long from, long to) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * A file of the table.
   *
   * @param file its name
   * @param rows how many
   * @param bytes raw bytes of its blocks
   */
  record Part(String file, List<Run> runs, long rows, long bytes) implements Serializable {
    private static final long serialVersionUID = 1;

    Part {
      runs = List.copyOf(runs);
    }

    /** Its rows, in order. */
    List<BlockRow> rows(int elements) {
      List<BlockRow> out = new ArrayList<>();
      runs.forEach(r -> BlockRow.each(r.tensor(), elements, r.from(), r.to(), out::add));
      return out;
    }
  }

  ExplodePlan {
    parts = List.copyOf(parts);
  }

  /**
   * Opens a model and plans its partition.
   *
   * @param reference as the user gave it
   * @param name what the table calls the model; null for its own name
   * @param partBytes raw bytes of a file; 0 for what suits the model
   */
  static ExplodePlan of(
      String reference,
      @Nullable String name,
      int blockElements,
      Compression compression,
      long partBytes) {
    String location = ModelReference.resolve(reference, System.getenv());
    ModelDir dir = ModelDir.open(location, Profile.REFERENCE);
    requireComplete(reference, dir);
    ModelIdentity own = ModelIdentity.of(location);
    long total = dir.tensors().values().stream().mapToLong(t -> t.end() - t.begin()).sum();
    long target = partBytes > 0 ? partBytes : total < SMALL_MODEL ? 128L << 20 : 1L << 30;
    List<Part> parts = parts(dir, blockElements, target);
    List<TableLayout.Shard> shards = dir.shards().stream().map(ExplodePlan::shard).toList();
    TableLayout layout =
        new TableLayout(
            TableLayout.SCHEMA,
            Manifest.version(),
            name == null ? own.name() : name,
            own.revision(),
            blockElements,
            compression,
            dir.index(),
            shards,
            List.of(),
            "",
            "");
    return new ExplodePlan(dir, layout.model(), with(layout, plan(layout, dir, parts)), parts);
  }

  private static void requireComplete(String reference, ModelDir dir) {
    long stored = dir.shards().stream().mapToLong(s -> s.tensors().size()).sum();
    if (stored != dir.tensors().size()) {
      throw WeightloomException.input(
          "Cannot explode %s: its files hold %d tensors, its index names %d of them (mend the index, see weightloom verify)"
              .formatted(reference, stored, dir.tensors().size()));
    }
  }

  private static TableLayout.Shard shard(SafetensorsHeader header) {
    try (ByteSource source = Storage.of(header.path()).open(header.path())) {
      byte[] bytes = new byte[Math.toIntExact(header.dataStart())];
      source.readFully(0, bytes, 0, bytes.length);
      return new TableLayout.Shard(BlockTables.lastName(header.path()), bytes, source.size());
    }
  }

  private static List<Part> parts(ModelDir dir, int elements, long target) {
    List<Part> parts = new ArrayList<>();
    List<Run> runs = new ArrayList<>();
    long rows = 0;
    long bytes = 0;
    for (SafetensorsHeader shard : dir.shards()) {
      for (StoredTensor t : shard.tensors()) {
        TensorLocation tensor = new TensorLocation(t.spec(), shard.path(), t.begin(), t.end());
        long all = BlockRow.count(t.spec(), elements);
        long size = t.end() - t.begin();
        // All blocks of a tensor but the last of a row or of all are of one size.
        long block = Math.max(1, -Math.floorDiv(-size, all));
        for (long from = 0; from < all; ) {
          long fit = Math.max(1, -Math.floorDiv(bytes - target, block));
          long to = Math.min(all, from + Math.min(fit, MOST_ROWS - rows));
          runs.add(new Run(tensor, from, to));
          rows += to - from;
          bytes += Math.min(size, (to - from) * block);
          from = to;
          if (bytes >= target || rows >= MOST_ROWS) {
            parts.add(part(parts.size(), runs, rows, elements));
            runs.clear();
            rows = 0;
            bytes = 0;
          }
        }
      }
    }
    if (!runs.isEmpty()) {
      parts.add(part(parts.size(), runs, rows, elements));
    }
    return parts;
  }

  private static Part part(int number, List<Run> runs, long rows, int elements) {
    long[] bytes = {0};
    runs.forEach(
        r -> BlockRow.each(r.tensor(), elements, r.from(), r.to(), b -> bytes[0] += b.bytes()));
    return new Part("part-%05d.parquet".formatted(number), runs, rows, bytes[0]);
  }

  /** Tells one source from another: by headers and places, and for local files by size and time. */
  private static String plan(TableLayout layout, ModelDir dir, List<Part> parts) {
    ByteArrayOutputStream made = new ByteArrayOutputStream();
    made.writeBytes(layout.toJson());
    for (SafetensorsHeader shard : dir.shards()) {
      made.writeBytes(
          (shard.path() + ' ' + modified(shard.path()) + '\n').getBytes(StandardCharsets.UTF_8));
    }
    for (Part part : parts) {
      made.writeBytes((part.rows() + " " + part.bytes() + '\n').getBytes(StandardCharsets.UTF_8));
    }
    byte[] bytes = made.toByteArray();
    return HexFormat.of().toHexDigits(ContentDigest.chunk(bytes, 0, bytes.length));
  }

  private static String modified(String file) {
    String scheme = Storage.scheme(file);
    if (!scheme.isEmpty() && !scheme.equals("file")) {
      return "";
    }
    try {
      return Files.getLastModifiedTime(LocalStorage.toPath(file)).toString();
    } catch (IOException e) {
      throw WeightloomException.input("Cannot look at %s: %s (check the path)".formatted(file, e));
    }
  }

  private static TableLayout with(TableLayout layout, String plan) {
    return new TableLayout(
        layout.schema(),
        layout.weightloom(),
        layout.model(),
        layout.revision(),
        layout.blockElements(),
        layout.compression(),
        layout.index(),
        layout.shards(),
        layout.parts(),
        layout.content(),
        plan);
  }

  /** Raw bytes of all blocks. */
  long bytes() {
    return parts.stream().mapToLong(Part::bytes).sum();
  }

  /** How many blocks. */
  long rows() {
    return parts.stream().mapToLong(Part::rows).sum();
  }

  /** The files beside the weights that the partition carries, by name. */
  Map<String, byte[]> modelFiles() {
    Storage storage = Storage.of(dir.path());
    Map<String, byte[]> files = new TreeMap<>();
    List<String> names = new ArrayList<>(dir.companionFiles());
    names.addAll(List.of(Manifest.FILE, ModelFiles.RECIPE, dir.index()));
    for (String name : names) {
      String path = storage.resolve(dir.path(), name);
      if (!name.isEmpty() && storage.exists(path)) {
        files.put(name, storage.readAll(path, INDEX_LIMIT));
      }
    }
    return files;
  }
}
