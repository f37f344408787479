package io.weightloom.catalog;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ModelReference;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.recipe.Suggestion;
import io.weightloom.source.SourceModel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A folder or bucket of models. A model is a directory that holds safetensors files, at most two
 * levels down ({@code name} or {@code org/name}), a repository of a Hugging Face cache, or a model
 * of a block table; the folder may also be a model itself. Asked anew each time, for models come
 * and go.
 *
 * @param root the folder's path, absolute or with a scheme
 */
record ModelFolder(String root) {
  private static final String CACHED = "models--";
  private static final String WEIGHTS = ".safetensors";
  private static final String ADAPTER = "adapter_model.safetensors";
  private static final int MAX_KNOWN = 8;

  /**
   * The folder of this path.
   *
   * @throws WeightloomException of kind INPUT if there is none
   */
  static ModelFolder of(String root) {
    Storage storage = Storage.of(root);
    if (!storage.isDirectory(root)) {
      throw WeightloomException.input(
          "Cannot look for models in %s: %s (name the folder or bucket that holds the models' directories)"
              .formatted(
                  root,
                  storage.exists(root) ? "it is no directory" : "there is no such directory"));
    }
    return new ModelFolder(root);
  }

  private Storage storage() {
    return Storage.of(root);
  }

  /** All models, sorted by name. */
  Collection<SourceModel> models() {
    Map<String, SourceModel> found = new TreeMap<>();
    List<String> entries = storage().list(root);
    if (holdsWeights(entries)) {
      put(found, ownName(), root);
    }
    for (String entry : entries) {
      if (isHidden(entry)) {
        continue;
      }
      if (entry.startsWith(CACHED)) {
        cached(entry, Optional.empty()).ifPresent(m -> found.put(m.name(), m));
      } else {
        look("", root, entry, 1, found);
      }
    }
    return found.values();
  }

  /** Puts what a directory entry is, or holds, under its name. */
  private void look(
      String prefix, String dir, String entry, int level, Map<String, SourceModel> found) {
    String path = storage().resolve(dir, entry);
    if (isHidden(entry) || entry.endsWith(WEIGHTS) || !storage().isDirectory(path)) {
      return;
    }
    Optional<String> partition = BlockTables.modelOf(entry);
    if (partition.isPresent()) {
      put(found, prefix + partition.get(), path);
      return;
    }
    List<String> entries = entries(path);
    if (holdsWeights(entries)) {
      put(found, prefix + entry, path);
    }
    for (String inner : entries) {
      // A table may lie as deep as a model; its partitions are one level further down.
      if (level < 2 || BlockTables.modelOf(inner).isPresent()) {
        look(prefix + entry + "/", path, inner, level + 1, found);
      }
    }
  }

  /** What a directory holds; nothing if it may not be read, for it may be none of ours. */
  private List<String> entries(String dir) {
    try {
      return storage().list(dir);
    } catch (WeightloomException notReadable) {
      return List.of();
    }
  }

  private static void put(Map<String, SourceModel> found, String name, String path) {
    found.putIfAbsent(name, new SourceModel(name, null, path, Profile.REFERENCE));
  }

  /**
   * The model of this name.
   *
   * @param revision a branch, tag or commit of a Hugging Face cache's repository
   * @throws WeightloomException of kind INPUT that names what is alike, if there is none
   */
  SourceModel model(String name, Optional<String> revision) {
    String repository = CACHED + name.replace("/", "--");
    if (storage().isDirectory(storage().resolve(root, repository))) {
      return cached(repository, Optional.of(revision.orElse("main"))).orElseThrow();
    }
    if (revision.isPresent()) {
      throw WeightloomException.usage(
          "Cannot read %s as of %s: only models of a Hugging Face cache have revisions, and %s holds no %s (leave the version out)"
              .formatted(name, revision.get(), root, repository));
    }
    String path = storage().resolve(root, name);
    if (isPlain(name) && storage().isDirectory(path) && holdsWeights(storage().list(path))) {
      return new SourceModel(name, null, path, Profile.REFERENCE);
    }
    Map<String, SourceModel> all = new TreeMap<>();
    models().forEach(m -> all.put(m.name(), m));
    SourceModel found = all.get(name);
    if (found == null) {
      throw WeightloomException.input(
          "Cannot find model %s: there is none of that name in %s%s"
              .formatted(name, root, hint(name, all.keySet())));
    }
    return found;
  }

  private static String hint(String name, Collection<String> known) {
    return Suggestion.closest(name, known)
        .map(k -> " (did you mean " + k + "?)")
        .orElseGet(
            () ->
                known.isEmpty()
                    ? " (a model is a directory with safetensors files, at most two levels down)"
                    : known.size() > MAX_KNOWN
                        ? " (it holds " + known.size() + " others: see SHOW NAMESPACES)"
                        : " (known: " + String.join(", ", known) + ")");
  }

  /** Whether a name is one or two plain directory names. */
  private static boolean isPlain(String name) {
    List<String> parts = List.of(name.split("/", -1));
    return parts.size() <= 2 && parts.stream().noneMatch(p -> p.isEmpty() || isHidden(p));
  }

  private Optional<SourceModel> cached(String repository, Optional<String> revision) {
    String name = repository.substring(CACHED.length()).replace("--", "/");
    if (revision.isPresent()) {
      return Optional.of(snapshot(name, ModelReference.inCache(root, name + "@" + revision.get())));
    }
    try {
      String path = ModelReference.inCache(root, name);
      return Optional.of(snapshot(name, path)).filter(m -> holdsWeights(storage().list(path)));
    } catch (WeightloomException noSnapshot) {
      // A download that has not come to its end; whoever asks for the model by name is told.
      return Optional.empty();
    }
  }

  private static SourceModel snapshot(String name, String path) {
    String commit = path.substring(path.lastIndexOf('/') + 1);
    return new SourceModel(name, commit, path, Profile.REFERENCE);
  }

  private String ownName() {
    List<String> parts = new ArrayList<>(List.of(root.split("/+")));
    return parts.isEmpty() ? "model" : parts.get(parts.size() - 1);
  }

  private static boolean holdsWeights(List<String> names) {
    return names.stream().anyMatch(n -> n.endsWith(WEIGHTS) && !n.equals(ADAPTER));
  }

  /** Names that Hadoop, and we while we write, hold for unfinished or private. */
  private static boolean isHidden(String name) {
    return name.startsWith(".") || name.startsWith("_");
  }
}
