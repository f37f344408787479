package io.weightloom.io;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.tensor.DType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model's directory as Hugging Face lays it out: weights in one or many safetensors files, the
 * configuration, the tokenizer. Only headers were read. Immutable.
 *
 * @param path the directory; of a block table, its virtual one
 * @param tensors name to place, in natural order of names
 * @param config {@code config.json}; empty if there is none
 * @param companionFiles the names of files that a derived model carries over, sorted
 * @param shards the headers, in the order of file names
 * @param index the name of the shards' index; empty for a single file
 * @param warnings what was let pass
 */
public record ModelDir(
    String path,
    Map<String, TensorLocation> tensors,
    ObjectNode config,
    List<String> companionFiles,
    List<SafetensorsHeader> shards,
    String index,
    List<String> warnings) {

  private static final String CONFIG = "config.json";
  private static final int MAX_CONFIG_BYTES = 16 << 20;
  private static final int MAX_INDEX_BYTES = 256 << 20;

  public ModelDir {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    config = config.deepCopy();
    companionFiles = List.copyOf(companionFiles);
    shards = List.copyOf(shards);
    warnings = List.copyOf(warnings);
  }

  /** The configuration; a copy, given to the caller. */
  @Override
  public ObjectNode config() {
    return config.deepCopy();
  }

  /**
   * Opens a model by reading its headers, configuration and index.
   *
   * @param path a directory with {@code model.safetensors}, an index and its shards, or exactly one
   *     safetensors file; or a safetensors file, whatever else its directory holds; or a block
   *     table of one model, or one of its partitions, see {@link BlockTables}; or a file that
   *     chooses units of another model, see {@link UnitSelection}
   * @param profile how strictly headers are read; in the strict profile a shard's tensor that the
   *     index does not name is an error, else a warning
   * @throws WeightloomException of kind INPUT
   */
  public static ModelDir open(String path, Profile profile) {
    return open(Storage.of(path), path, profile);
  }

  /** Opens a model in this storage. */
  public static ModelDir open(Storage storage, String path, Profile profile) {
    if (!storage.exists(path)) {
      throw ModelReference.missing(storage, path);
    }
    if (storage.isDirectory(path)) {
      List<String> names = storage.list(path);
      Optional<String> table = BlockTables.virtual(storage, path, names);
      if (table.isPresent()) {
        return open(Storage.of(table.get()), table.get(), profile);
      }
      return open(storage, path, names, WeightFiles.choose(path, names), profile);
    }
    if (path.endsWith(UnitSelection.SUFFIX)) {
      String virtual = UnitSelection.virtual(storage, path);
      return open(Storage.of(virtual), virtual, profile);
    }
    if (!path.endsWith(WeightFiles.SUFFIX)) {
      throw WeightloomException.input(
          "Cannot open model %s: it is neither a directory nor a safetensors file (name the model's directory)"
              .formatted(path));
    }
    int slash = path.lastIndexOf('/');
    String dir = slash < 0 ? "." : slash == 0 ? "/" : path.substring(0, slash);
    WeightFiles file = new WeightFiles("", path.substring(slash + 1));
    return open(storage, dir, storage.list(dir), file, profile);
  }

  private static ModelDir open(
      Storage storage, String dir, List<String> names, WeightFiles files, Profile profile) {
    List<String> warnings = new ArrayList<>();
    files.alsoThere(names).ifPresent(w -> warnings.add(dir + ": " + w));
    Shards shards =
        files.index().isEmpty()
            ? Shards.single(storage, dir, files.single(), profile)
            : indexed(storage, dir, names, files.index(), profile);
    shards.headers().forEach(h -> warnings.addAll(h.warnings()));
    warnings.addAll(shards.warnings());
    return new ModelDir(
        dir,
        shards.tensors(),
        names.contains(CONFIG) ? config(storage, dir) : JsonNodeFactory.instance.objectNode(),
        CompanionFiles.in(names),
        shards.headers(),
        files.index(),
        warnings);
  }

  private static Shards indexed(
      Storage storage, String dir, List<String> names, String index, Profile profile) {
    String path = storage.resolve(dir, index);
    ShardIndex parsed = ShardIndex.parse(path, storage.readAll(path, MAX_INDEX_BYTES));
    return Shards.indexed(storage, dir, names, index, parsed, profile);
  }

  private static ObjectNode config(Storage storage, String dir) {
    String path = storage.resolve(dir, CONFIG);
    return JsonText.object(path, storage.readAll(path, MAX_CONFIG_BYTES));
  }

  /** The type that most elements have, the wider one of two; empty for a model of no elements. */
  public Optional<DType> mainDType() {
    Map<DType, Long> elements = new EnumMap<>(DType.class);
    tensors.values().forEach(t -> elements.merge(t.spec().dtype(), t.spec().elements(), Long::sum));
    DType main = null;
    long most = 0;
    for (Map.Entry<DType, Long> e : elements.entrySet()) {
      if (e.getValue() > 0 && e.getValue() >= most) {
        main = e.getKey();
        most = e.getValue();
      }
    }
    return Optional.ofNullable(main);
  }

  /** The number of elements of all tensors. */
  public long parameters() {
    return tensors.values().stream().mapToLong(t -> t.spec().elements()).sum();
  }
}
