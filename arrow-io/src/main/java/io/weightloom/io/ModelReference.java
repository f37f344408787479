package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Turns a recipe's model reference into a directory: an existing path, {@code org/name[@revision]}
 * in the Hugging Face cache, or of both kinds a base and adapters, see {@link AdaptedModel}. Never
 * downloads. Stateless.
 */
public final class ModelReference {
  private static final Pattern REPOSITORY =
      Pattern.compile("(?:([\\w.-]+)/)?([\\w.-]+)(?:@([\\w./-]+))?");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
  private static final int MAX_REF_BYTES = 4096;

  private ModelReference() {}

  /**
   * The directory of a model.
   *
   * @param reference a path, with any scheme, or a repository of the cache, or base+adapter
   * @param env the environment: {@code HF_HUB_CACHE}, {@code HUGGINGFACE_HUB_CACHE}, {@code
   *     HF_HOME}, {@code XDG_CACHE_HOME} or {@code HOME} say where the cache is
   * @throws WeightloomException of kind INPUT that says where it was looked for
   */
  public static String resolve(String reference, Map<String, String> env) {
    Storage storage = Storage.of(reference);
    if (storage.exists(reference)) {
      return reference;
    }
    Optional<AdaptedModel> adapted = AdaptedModel.parse(reference);
    if (adapted.isPresent()) {
      return adapted.get().resolved(b -> base(b, env), a -> adapter(a, env)).path();
    }
    Optional<String> cache = cache(env);
    if (!isRepository(reference) || cache.isEmpty()) {
      throw missing(storage, reference);
    }
    return inCache(cache.get(), reference);
  }

  private static String base(String reference, Map<String, String> env) {
    String path = resolve(reference, env);
    Storage storage = Storage.of(path);
    if (path.endsWith(UnitSelection.SUFFIX)) {
      return UnitSelection.virtual(storage, path);
    }
    return storage.isDirectory(path)
        ? BlockTables.virtual(storage, path, storage.list(path))
            .orElseGet(() -> BlockTables.absolute(storage, path))
        : BlockTables.absolute(storage, path);
  }

  private static String adapter(String reference, Map<String, String> env) {
    String path = resolve(reference, env);
    return BlockTables.absolute(Storage.of(path), path);
  }

  private static boolean isRepository(String reference) {
    return REPOSITORY.matcher(reference).matches()
        && !reference.startsWith(".")
        && !reference.contains("..");
  }

  /**
   * The directory of a repository in this Hugging Face cache.
   *
   * @param cache the directory that holds {@code models--org--name}
   * @param reference {@code org/name[@revision]}
   * @throws WeightloomException of kind INPUT that says what is missing
   */
  public static String inCache(String cache, String reference) {
    Storage storage = Storage.of(cache);
    Matcher m = REPOSITORY.matcher(reference);
    if (!isRepository(reference) || !m.matches()) {
      throw missing(storage, reference);
    }
    String org = m.group(1);
    String folder = "models--" + (org == null ? "" : org + "--") + m.group(2);
    String repository = storage.resolve(cache, folder);
    if (!storage.isDirectory(repository)) {
      throw notCached(storage, reference, cache, folder);
    }
    return snapshot(storage, reference, repository, m.group(3) == null ? "main" : m.group(3));
  }

  private static String snapshot(
      Storage storage, String reference, String repository, String revision) {
    String commit = revision;
    if (!COMMIT.matcher(revision).matches()) {
      String ref = storage.resolve(repository, "refs/" + revision);
      if (!storage.exists(ref) || storage.isDirectory(ref)) {
        throw WeightloomException.input(
            "Cannot find model %s: its cache has no revision %s, there is no %s (download it with: hf download %s)"
                .formatted(reference, revision, ref, command(reference)));
      }
      commit = new String(storage.readAll(ref, MAX_REF_BYTES), StandardCharsets.UTF_8).strip();
    }
    String snapshot = storage.resolve(repository, "snapshots/" + commit);
    if (!COMMIT.matcher(commit).matches() || !storage.isDirectory(snapshot)) {
      throw WeightloomException.input(
          "Cannot find model %s: its cache lacks the snapshot %s (download it with: hf download %s)"
              .formatted(reference, snapshot, command(reference)));
    }
    return snapshot;
  }

  private static String command(String reference) {
    return reference.replace("@", " --revision ");
  }

  private static Optional<String> cache(Map<String, String> env) {
    return first(env, "HF_HUB_CACHE", "")
        .or(() -> first(env, "HUGGINGFACE_HUB_CACHE", ""))
        .or(() -> first(env, "HF_HOME", "/hub"))
        .or(() -> first(env, "XDG_CACHE_HOME", "/huggingface/hub"))
        .or(() -> first(env, "HOME", "/.cache/huggingface/hub"));
  }

  private static Optional<String> first(Map<String, String> env, String name, String below) {
    return Optional.ofNullable(env.get(name)).filter(v -> !v.isBlank()).map(v -> v + below);
  }

  private static WeightloomException notCached(
      Storage storage, String reference, String cache, String folder) {
    String like =
        storage.isDirectory(cache)
            ? Nearest.to(folder, storage.list(cache))
                .map(n -> "; the cache has " + n.substring(n.indexOf("--") + 2).replace("--", "/"))
                .orElse("")
            : "";
    return WeightloomException.input(
        "Cannot find model %s: there is no such path, and no %s in the cache %s%s (download it with: hf download %s)"
            .formatted(reference, folder, cache, like, command(reference)));
  }

  /** The error of a path where nothing is; names a neighbour that is written alike. */
  static WeightloomException missing(Storage storage, String path) {
    String plain = path.replaceFirst("/+$", "");
    int slash = plain.lastIndexOf('/');
    String parent = slash < 0 ? "." : slash == 0 ? "/" : plain.substring(0, slash);
    String name = plain.substring(slash + 1);
    if (!storage.isDirectory(parent)) {
      return failure(path, "nor is there a directory " + parent);
    }
    List<String> neighbours = storage.list(parent);
    return failure(
        path,
        Nearest.to(name, neighbours)
            .map(n -> "did you mean " + (slash < 0 ? n : storage.resolve(parent, n)) + "?")
            .orElse("name the directory that holds model.safetensors or its index"));
  }

  private static WeightloomException failure(String path, String hint) {
    return WeightloomException.input(
        "Cannot open model %s: there is no such file or directory (%s)".formatted(path, hint));
  }
}
