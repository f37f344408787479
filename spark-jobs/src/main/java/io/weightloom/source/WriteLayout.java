package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.ShardIndex;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.ShardLayout;
import io.weightloom.source.TensorTally.Origin;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/**
 * Every byte of a model to be written, the tensors' own apart.
 *
 * <p>A donor, the model that option {@code like} names or that the rows are from, gives the files'
 * names, which tensor is in which, and the files beside the weights. A file whose tensors are the
 * donor's file's, of the same dtypes and shapes, gets that file's header to the byte; and an index
 * that says the same as the donor's is the donor's.
 *
 * @param shards the files by their names
 * @param index name and bytes of the shards' index, if there is one
 * @param donor the model that gives the files beside the weights
 */
record WriteLayout(
    Map<String, SafetensorsLayout> shards, Optional<Index> index, Optional<ModelDir> donor) {
  private static final Map<String, String> METADATA = Map.of("format", "pt");
  private static final String SUFFIX = ".safetensors";
  private static final String INDEX_SUFFIX = SUFFIX + ".index.json";
  private static final String USUAL_INDEX = "model" + INDEX_SUFFIX;
  private static final int MAX_INDEX_BYTES = 256 << 20;

  /**
   * An index of shards.
   *
   * @param name its file's name
   * @param json its bytes
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared; bytes on their way to a file
  record Index(String name, byte[] json) {}

  /**
   * Lays out a model.
   *
   * @param tensors what the rows said, in natural order of names
   */
  static WriteLayout of(Map<String, TensorTally> tensors, WriteOptions options) {
    Optional<ModelDir> donor = donor(tensors.values(), options);
    Map<String, SafetensorsLayout> shards = shards(tensors, donor, options);
    Map<String, String> files = new TreeMap<>();
    shards.forEach(
        (file, layout) -> layout.tensors().forEach(t -> files.put(t.spec().name(), file)));
    Optional<Index> index = donor.flatMap(d -> index(d, files));
    if (index.isEmpty() && shards.size() > 1) {
      index = Optional.of(new Index(USUAL_INDEX, index(tensors.values(), files).toJson()));
    }
    return new WriteLayout(shards, index, donor);
  }

  /** Bytes of all files of weights. */
  long bytes() {
    return shards.values().stream().mapToLong(SafetensorsLayout::fileSize).sum();
  }

  private static Optional<ModelDir> donor(Collection<TensorTally> tensors, WriteOptions options) {
    if (options.like().isPresent()) {
      String path = ModelReference.resolve(options.like().get(), System.getenv());
      return Optional.of(ModelDir.open(path, Profile.REFERENCE));
    }
    Set<String> files = new HashSet<>();
    for (TensorTally tensor : tensors) {
      Optional<Origin> origin = tensor.origin();
      if (origin.isEmpty()) {
        return Optional.empty();
      }
      files.add(origin.get().file());
    }
    Set<String> dirs = new HashSet<>();
    files.forEach(f -> dirs.add(f.substring(0, Math.max(0, f.lastIndexOf('/')))));
    if (dirs.size() > 1) {
      return Optional.empty();
    }
    // A directory first: of one of its shards alone it would not be known how they belong together.
    return open(dirs.iterator().next(), files)
        .or(() -> files.size() == 1 ? open(files.iterator().next(), files) : Optional.empty());
  }

  /** The model at a path that may be gone, if it holds these files. */
  private static Optional<ModelDir> open(String path, Set<String> files) {
    try {
      ModelDir dir = ModelDir.open(path, Profile.REFERENCE);
      Set<String> held = new HashSet<>();
      dir.shards().forEach(s -> held.add(s.path()));
      return held.containsAll(files) ? Optional.of(dir) : Optional.empty();
    } catch (WeightloomException e) {
      return Optional.empty();
    }
  }

  private static Map<String, SafetensorsLayout> shards(
      Map<String, TensorTally> tensors, Optional<ModelDir> donor, WriteOptions options) {
    Map<String, SafetensorsLayout> shards = new LinkedHashMap<>();
    boolean placed =
        donor.isPresent() && donor.get().tensors().keySet().containsAll(tensors.keySet());
    if (options.shardBytes().isEmpty() && placed) {
      group(tensors.values(), t -> name(location(donor.get(), t)))
          .forEach((file, group) -> shards.put(file, likeDonor(donor.get(), file, group)));
      return shards;
    }
    if (options.shardBytes().isEmpty()
        && tensors.values().stream().allMatch(WriteLayout::hasFile)) {
      Comparator<TensorTally> byPlace =
          Comparator.comparingLong(t -> t.origin().orElseThrow().begin());
      group(tensors.values(), t -> name(t.origin().orElseThrow().file()))
          .forEach(
              (file, group) ->
                  shards.put(
                      file,
                      SafetensorsLayout.inOrder(
                          group.stream().sorted(byPlace).map(TensorTally::spec).toList(),
                          METADATA)));
      return shards;
    }
    List<TensorSpec> specs = tensors.values().stream().map(TensorTally::spec).toList();
    for (MergePlan.Shard shard : ShardLayout.of(specs, options.shardBytesOrUsual())) {
      shards.put(shard.file(), SafetensorsLayout.of(shard.tensors(), METADATA));
    }
    return shards;
  }

  private static Map<String, List<TensorTally>> group(
      Collection<TensorTally> tensors, java.util.function.Function<TensorTally, String> file) {
    Map<String, List<TensorTally>> groups = new TreeMap<>();
    tensors.forEach(t -> groups.computeIfAbsent(file.apply(t), f -> new ArrayList<>()).add(t));
    return groups;
  }

  private static String location(ModelDir donor, TensorTally tensor) {
    return java.util.Objects.requireNonNull(donor.tensors().get(tensor.spec().name())).file();
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  private static boolean hasFile(TensorTally tensor) {
    return tensor
        .origin()
        .map(o -> name(o.file()).matches("[^\\\\:\\p{Cntrl}]+\\.safetensors"))
        .orElse(false);
  }

  private static SafetensorsLayout likeDonor(
      ModelDir donor, String file, List<TensorTally> tensors) {
    SafetensorsHeader header =
        donor.shards().stream().filter(s -> name(s.path()).equals(file)).findFirst().orElseThrow();
    Set<TensorSpec> specs = new HashSet<>();
    tensors.forEach(t -> specs.add(t.spec()));
    Set<TensorSpec> stored = new HashSet<>();
    header.tensors().forEach(t -> stored.add(t.spec()));
    if (!specs.equals(stored)) {
      return SafetensorsLayout.of(specs, header.metadata());
    }
    long end =
        header.tensors().stream().mapToLong(StoredTensor::end).max().orElse(header.dataStart());
    return new SafetensorsLayout(bytes(header), header.tensors(), end);
  }

  private static byte[] bytes(SafetensorsHeader header) {
    byte[] bytes = new byte[Math.toIntExact(header.dataStart())];
    try (ByteSource source = Storage.of(header.path()).open(header.path())) {
      source.readFully(0, bytes, 0, bytes.length);
    }
    return bytes;
  }

  /** The donor's index, if it says the same. */
  private static Optional<Index> index(ModelDir donor, Map<String, String> files) {
    Storage storage = Storage.of(donor.path());
    for (String name : storage.list(donor.path())) {
      if (name.endsWith(INDEX_SUFFIX)) {
        String path = storage.resolve(donor.path(), name);
        byte[] json = storage.readAll(path, MAX_INDEX_BYTES);
        if (ShardIndex.parse(path, json).weightMap().equals(files)) {
          return Optional.of(new Index(name, json));
        }
      }
    }
    return Optional.empty();
  }

  private static ShardIndex index(Collection<TensorTally> tensors, Map<String, String> files) {
    return new ShardIndex(
        files,
        OptionalLong.of(tensors.stream().mapToLong(t -> t.spec().byteSize()).sum()),
        OptionalLong.of(tensors.stream().mapToLong(t -> t.spec().elements()).sum()));
  }
}
