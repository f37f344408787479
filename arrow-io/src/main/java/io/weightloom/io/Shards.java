package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The headers of a model's files, and what their index makes of them.
 *
 * @param headers in the order of file names
 * @param tensors name to place, in natural order of names
 * @param warnings where index and shards disagree without harm
 */
record Shards(
    List<SafetensorsHeader> headers, Map<String, TensorLocation> tensors, List<String> warnings) {
  private static final int MAX_SHOWN = 20;

  static Shards single(Storage storage, String dir, String file, Profile profile) {
    SafetensorsHeader header =
        HeaderReader.readAll(storage, List.of(storage.resolve(dir, file)), profile).get(0);
    Map<String, TensorLocation> tensors = new TreeMap<>(TensorName.NATURAL_ORDER);
    header.tensors().forEach(t -> tensors.put(t.spec().name(), location(header, t)));
    return new Shards(List.of(header), tensors, List.of());
  }

  /** Reads the shards of an index; all problems of the index are in one error. */
  static Shards indexed(
      Storage storage,
      String dir,
      List<String> names,
      String indexName,
      ShardIndex index,
      Profile profile) {
    List<String> problems = new ArrayList<>();
    Set<String> present = new HashSet<>(names);
    List<String> files = new ArrayList<>();
    for (String file : index.files()) {
      if (present.contains(file)) {
        files.add(file);
      } else {
        problems.add("shard " + file + " is missing");
      }
    }
    List<String> paths = files.stream().map(f -> storage.resolve(dir, f)).toList();
    List<SafetensorsHeader> headers = HeaderReader.readAll(storage, paths, profile);
    Map<String, SafetensorsHeader> byFile = new LinkedHashMap<>();
    for (int i = 0; i < files.size(); i++) {
      byFile.put(files.get(i), headers.get(i));
    }
    Join join = new Join(index, byFile);
    problems.addAll(join.absent);
    if (profile == Profile.STRICT) {
      problems.addAll(join.unnamed);
    }
    if (!problems.isEmpty()) {
      throw disagree(storage.resolve(dir, indexName), problems);
    }
    List<String> warnings = new ArrayList<>();
    join.unnamed.forEach(w -> warnings.add(dir + ": " + w + ", it is not read"));
    join.wrongTotal().ifPresent(w -> warnings.add(storage.resolve(dir, indexName) + ": " + w));
    return new Shards(headers, join.tensors, warnings);
  }

  private static WeightloomException disagree(String index, List<String> problems) {
    StringBuilder list = new StringBuilder();
    problems.stream().limit(MAX_SHOWN).forEach(p -> list.append("\n  - ").append(p));
    if (problems.size() > MAX_SHOWN) {
      list.append("\n  - and ").append(problems.size() - MAX_SHOWN).append(" more");
    }
    return WeightloomException.input(
        "Cannot open the model of %s: the index and its shards disagree (download the model again, or mend the index):%s"
            .formatted(index, list));
  }

  private static TensorLocation location(SafetensorsHeader header, StoredTensor t) {
    return new TensorLocation(t.spec(), header.path(), t.begin(), t.end());
  }

  /** The index held against the headers that are there. */
  private static final class Join {
    private final Map<String, TensorLocation> tensors = new TreeMap<>(TensorName.NATURAL_ORDER);
    private final List<String> absent = new ArrayList<>();
    private final List<String> unnamed = new ArrayList<>();
    private final ShardIndex index;
    private long dataBytes;
    private long fileBytes;

    Join(ShardIndex index, Map<String, SafetensorsHeader> headers) {
      this.index = index;
      headers.forEach(this::take);
      index
          .weightMap()
          .forEach(
              (tensor, file) -> {
                if (headers.containsKey(file) && !tensors.containsKey(tensor)) {
                  absent.add("tensor " + tensor + " is not in shard " + file);
                }
              });
    }

    private void take(String file, SafetensorsHeader header) {
      fileBytes += header.dataStart();
      for (StoredTensor t : header.tensors()) {
        String name = t.spec().name();
        String shard = index.weightMap().get(name);
        if (file.equals(shard)) {
          tensors.put(name, location(header, t));
        } else {
          unnamed.add(
              "tensor %s of shard %s is %s"
                  .formatted(
                      name, file, shard == null ? "not in the index" : "taken from " + shard));
        }
        dataBytes += t.end() - t.begin();
      }
    }

    private Optional<String> wrongTotal() {
      long total = index.totalSize().orElse(dataBytes);
      if (total == dataBytes || total == fileBytes + dataBytes) {
        return Optional.empty();
      }
      return Optional.of(
          "total_size is %d, the tensors have %d bytes and the files %d"
              .formatted(total, dataBytes, fileBytes + dataBytes));
    }
  }
}
