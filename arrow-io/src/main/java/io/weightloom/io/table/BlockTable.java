package io.weightloom.io.table;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.StoredTensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A partition of a block table, opened: which files its model had, and which row of which part
 * holds which of their bytes. What is read of a part is kept. Thread-safe.
 *
 * <p>A partition with a layout has its rows in the layout's order, and a part is read when its rows
 * are asked for. One without, written by other means, may have its rows in any order: all its parts
 * are read at once, and its model has one file, laid out as the reference writer would.
 */
final class BlockTable {
  private static final int MAX_LAYOUT_BYTES = 1 << 30;
  private static final int MAX_SHOWN = 20;
  private static final String SINGLE = "model.safetensors";

  private final String dir;
  private final Storage storage;
  private final List<String> modelFiles;
  private final Map<String, Shard> shards;
  private final List<Part> parts;

  /**
   * A file that the model had.
   *
   * @param header its bytes up to the data
   * @param size all its bytes
   * @param begins where its blocks begin, ascending; those without bytes left out
   * @param rows the row of each, counted over all parts
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Shard(byte[] header, long size, long[] begins, long[] rows) {

    /** The index in {@link #begins} of the block that holds this byte. */
    int at(long position) {
      int found = Arrays.binarySearch(begins, position);
      return found >= 0 ? found : -found - 2;
    }

    /** The byte behind the block of this index. */
    long end(int block) {
      return block + 1 < begins.length ? begins[block + 1] : size;
    }
  }

  /** A file of the table. */
  private static final class Part {
    private final String path;
    private final long firstRow;
    private final List<BlockRow> planned;
    private volatile @Nullable List<StoredRow> rows;

    Part(String path, long firstRow, List<BlockRow> planned) {
      this.path = path;
      this.firstRow = firstRow;
      this.planned = planned;
    }
  }

  private BlockTable(
      String dir,
      Storage storage,
      List<String> modelFiles,
      Map<String, Shard> shards,
      List<Part> parts) {
    this.dir = dir;
    this.storage = storage;
    this.modelFiles = modelFiles;
    this.shards = shards;
    this.parts = parts;
  }

  /**
   * Opens a partition.
   *
   * @param layout the bytes of its layout; null if it has none
   */
  static BlockTable open(
      Storage storage, String dir, List<String> names, byte @Nullable [] layout) {
    List<String> files = BlockTables.parts(names);
    List<String> beside =
        names.contains(BlockTables.MODEL_FILES)
            ? storage.list(storage.resolve(dir, BlockTables.MODEL_FILES)).stream()
                .filter(n -> !n.equals(BlockTables.LAYOUT))
                .toList()
            : List.of();
    if (layout == null) {
      return foreign(storage, dir, files, beside);
    }
    TableLayout parsed = TableLayout.parse(layoutPath(storage, dir), layout);
    return ofLayout(storage, dir, files, beside, parsed);
  }

  static String layoutPath(Storage storage, String dir) {
    return storage.resolve(storage.resolve(dir, BlockTables.MODEL_FILES), BlockTables.LAYOUT);
  }

  /** The layout's bytes, or null if there is none. */
  static byte @Nullable [] layout(Storage storage, String dir, List<String> names) {
    String path = layoutPath(storage, dir);
    return names.contains(BlockTables.MODEL_FILES) && storage.exists(path)
        ? storage.readAll(path, MAX_LAYOUT_BYTES)
        : null;
  }

  private static BlockTable ofLayout(
      Storage storage, String dir, List<String> files, List<String> beside, TableLayout layout) {
    List<String> problems = new ArrayList<>();
    Set<String> wanted = new HashSet<>();
    for (TableLayout.Part part : layout.parts()) {
      wanted.add(part.file());
      if (!files.contains(part.file())) {
        problems.add("%s with %d blocks is missing".formatted(part.file(), part.rows()));
      }
    }
    files.stream()
        .filter(f -> !wanted.contains(f))
        .forEach(f -> problems.add(f + " is not one of its parts"));
    List<BlockRow> rows = new ArrayList<>();
    Map<String, Shard> shards = new LinkedHashMap<>();
    for (TableLayout.Shard shard : layout.shards()) {
      shards.put(shard.file(), shard(storage, dir, shard, layout.blockElements(), rows));
    }
    List<Part> parts = new ArrayList<>();
    long at = 0;
    for (TableLayout.Part part : layout.parts()) {
      long end = Math.min(rows.size(), at + Math.max(0, part.rows()));
      List<BlockRow> planned = rows.subList((int) Math.min(at, end), (int) end);
      parts.add(new Part(storage.resolve(dir, part.file()), at, planned));
      at += part.rows();
    }
    if (at != rows.size()) {
      problems.add("its parts have %d blocks, its model %d".formatted(at, rows.size()));
    }
    refuse(dir, problems);
    return new BlockTable(dir, storage, beside, shards, parts);
  }

  private static Shard shard(
      Storage storage, String dir, TableLayout.Shard shard, int elements, List<BlockRow> rows) {
    String path = storage.resolve(dir, shard.file());
    SafetensorsHeader header =
        SafetensorsHeader.read(
            new HeaderOnly(path, shard.header(), shard.size()), Profile.REFERENCE);
    int first = rows.size();
    for (StoredTensor t : header.tensors()) {
      TensorLocation location = new TensorLocation(t.spec(), shard.file(), t.begin(), t.end());
      BlockRow.each(location, elements, 0, BlockRow.count(t.spec(), elements), rows::add);
    }
    int[] full = IntStream.range(first, rows.size()).filter(i -> rows.get(i).bytes() > 0).toArray();
    return new Shard(
        shard.header(),
        shard.size(),
        Arrays.stream(full).mapToLong(i -> rows.get(i).begin()).toArray(),
        Arrays.stream(full).asLongStream().toArray());
  }

  /** A file of which only the header is there. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record HeaderOnly(String path, byte[] header, long size) implements ByteSource {
    @Override
    public void readFully(long position, byte[] dst, int offset, int length) {
      if (position + length > header.length) {
        throw WeightloomException.input(
            "Cannot read the layout of a block table, %s: a header of %d bytes is too short (explode the model again)"
                .formatted(path, header.length));
      }
      System.arraycopy(header, (int) position, dst, offset, length);
    }

    @Override
    public void close() {}
  }

  private static BlockTable foreign(
      Storage storage, String dir, List<String> files, List<String> beside) {
    if (files.isEmpty()) {
      throw WeightloomException.input(
          "Cannot open the block table %s: it has no Parquet file (name the directory model=… of a table)"
              .formatted(dir));
    }
    List<Part> parts = new ArrayList<>();
    List<StoredRow> rows = new ArrayList<>();
    for (String file : files) {
      Part part = new Part(storage.resolve(dir, file), rows.size(), List.of());
      List<StoredRow> found = read(storage, part.path);
      part.rows = found;
      parts.add(part);
      rows.addAll(found);
    }
    refuse(dir, mixedModels(rows));
    return new BlockTable(dir, storage, beside, Map.of(SINGLE, AnyOrder.shard(dir, rows)), parts);
  }

  private static List<String> mixedModels(List<StoredRow> rows) {
    List<String> models = new ArrayList<>();
    for (StoredRow row : rows) {
      String model = row.model();
      if (model != null && !models.contains(model) && models.size() < MAX_SHOWN) {
        models.add(model);
      }
    }
    return models.size() <= 1
        ? List.of()
        : List.of(
            "it mixes the models %s (write it with partitionBy(\"model\"))"
                .formatted(String.join(", ", models)));
  }

  private static List<StoredRow> read(Storage storage, String path) {
    try (ByteSource source = storage.open(path);
        PartReader reader = new PartReader(source)) {
      return List.copyOf(reader.rows());
    }
  }

  /** One error of all problems. */
  static void refuse(String dir, List<String> problems) {
    if (problems.isEmpty()) {
      return;
    }
    StringBuilder list = new StringBuilder();
    problems.stream().limit(MAX_SHOWN).forEach(p -> list.append("\n  - ").append(p));
    if (problems.size() > MAX_SHOWN) {
      list.append("\n  - and ").append(problems.size() - MAX_SHOWN).append(" more");
    }
    throw WeightloomException.input(
        "Cannot open the block table %s: its rows are not one whole model (explode the model again):%s"
            .formatted(dir, list));
  }

  /** The names of the files that the model had, and of those beside them. */
  List<String> names() {
    List<String> names = new ArrayList<>(shards.keySet());
    names.addAll(modelFiles);
    names.sort(null);
    return names;
  }

  /** The weights file of this name. */
  Optional<Shard> shard(String name) {
    return Optional.ofNullable(shards.get(name));
  }

  /** Reads what all parts say of their rows, several at a time, and checks it. */
  void checkAll() {
    List<String> problems = new ArrayList<>();
    List<Optional<String>> found = parts.parallelStream().map(this::problem).toList();
    found.forEach(p -> p.ifPresent(problems::add));
    refuse(dir, problems);
  }

  private Optional<String> problem(Part part) {
    if (part.rows != null) {
      return Optional.empty();
    }
    List<StoredRow> found = read(storage, part.path);
    Optional<String> problem = problem(part, found);
    if (problem.isEmpty()) {
      part.rows = found;
    }
    return problem;
  }

  private static Optional<String> problem(Part part, List<StoredRow> found) {
    String file = part.path.substring(part.path.lastIndexOf('/') + 1);
    for (int i = 0; i < Math.min(found.size(), part.planned.size()); i++) {
      BlockRow want = part.planned.get(i);
      StoredRow got = found.get(i);
      String at = "%s, row %d: ".formatted(file, i);
      if (!isAt(got, want)) {
        return Optional.of(at + misplaced(part.planned, i, found));
      }
      if (!got.tensor().equals(want.tensor())) {
        return Optional.of(
            at
                + "%s is %s of %s, the layout says %s of %s"
                    .formatted(
                        want.tensor().name(),
                        got.tensor().dtype(),
                        got.tensor().shape(),
                        want.tensor().dtype(),
                        want.tensor().shape()));
      }
      if (got.offset() != want.block().offset() || got.count() != want.block().count()) {
        return Optional.of(
            at
                + "%s has elements %d to %d, the layout's cut says %d to %d"
                    .formatted(
                        got,
                        got.offset(),
                        got.offset() + got.count(),
                        want.block().offset(),
                        want.block().offset() + want.block().count()));
      }
    }
    if (found.size() != part.planned.size()) {
      return Optional.of(
          "%s has %d rows, the layout says %d".formatted(file, found.size(), part.planned.size()));
    }
    return Optional.empty();
  }

  private static boolean isAt(StoredRow got, BlockRow want) {
    return got.block() == want.block().index() && got.tensor().name().equals(want.tensor().name());
  }

  private static String misplaced(List<BlockRow> planned, int i, List<StoredRow> found) {
    StoredRow got = found.get(i);
    BlockRow want = planned.get(i);
    String wanted = "block %d of %s".formatted(want.block().index(), want.tensor().name());
    for (int k = 0; k < i; k++) {
      if (isAt(got, planned.get(k))) {
        return "%s comes again, it is row %d too; expected %s".formatted(got, k, wanted);
      }
    }
    boolean later = false;
    for (StoredRow other : found) {
      later |= isAt(other, want);
    }
    return later
        ? "%s stands before %s, the blocks are reordered".formatted(got, wanted)
        : "%s is missing, found %s".formatted(wanted, got);
  }

  /** What its part says of a row, and which part that is. */
  Found find(long row) {
    int low = 0;
    int high = parts.size() - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (parts.get(middle).firstRow <= row) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    Part part = parts.get(low);
    List<StoredRow> rows = part.rows;
    if (rows == null) {
      refuse(dir, problem(part).stream().toList());
      rows = Objects.requireNonNull(part.rows);
    }
    return new Found(part.path, rows.get((int) (row - part.firstRow)));
  }

  /**
   * A row and the file that holds it.
   *
   * @param part the file's path
   * @param row what it says
   */
  record Found(String part, StoredRow row) {}

  Storage storage() {
    return storage;
  }
}
