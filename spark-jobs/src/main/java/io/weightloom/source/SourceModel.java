package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.LocalStorage;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.Profile;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A model that can be read: its headers are, at most once and when first asked for.
 *
 * <p>Safe for many threads.
 */
public final class SourceModel {
  private static final Pattern SNAPSHOT =
      Pattern.compile("(?:.*/)?models--(?:(.+?)--)?([^/]+)/snapshots/([0-9a-f]{40})");
  private static final Pattern PARTITION = Pattern.compile("model=(.+)");
  private static final Pattern WEIGHTS = Pattern.compile("(.*)\\.safetensors");

  private final String name;
  private final @Nullable String revision;
  private final String path;
  private final Profile profile;
  private @Nullable ModelDir dir;

  /**
   * @param name what the model is called
   * @param revision its snapshot in the Hugging Face cache, or null
   * @param path as {@link ModelDir#open(String, Profile)} takes it
   */
  public SourceModel(String name, @Nullable String revision, String path, Profile profile) {
    this.name = name;
    this.revision = revision;
    this.path = path;
    this.profile = profile;
  }

  /**
   * The model of a reference: a path, or a repository of the Hugging Face cache. It is called after
   * its repository, or else after the last name of its path.
   *
   * @throws WeightloomException of kind INPUT if there is no such model
   */
  static SourceModel of(String reference, Profile profile) {
    String resolved = ModelReference.resolve(reference, System.getenv());
    String path =
        Storage.of(resolved) instanceof LocalStorage
            ? LocalStorage.toPath(resolved).toAbsolutePath().normalize().toString()
            : resolved.replaceFirst("(?<=[^/:])/+$", "");
    Matcher snapshot = SNAPSHOT.matcher(path);
    if (snapshot.matches()) {
      String org = snapshot.group(1);
      String repository = org == null ? snapshot.group(2) : org + "/" + snapshot.group(2);
      return new SourceModel(repository, snapshot.group(3), path, profile);
    }
    return new SourceModel(nameOf(path), null, path, profile);
  }

  private static String nameOf(String path) {
    String last = path.substring(path.lastIndexOf('/') + 1);
    Matcher partition = PARTITION.matcher(last);
    if (partition.matches()) {
      return URLDecoder.decode(partition.group(1).replace("+", "%2B"), StandardCharsets.UTF_8);
    }
    Matcher weights = WEIGHTS.matcher(last);
    if (!weights.matches()) {
      return last;
    }
    return weights.group(1).equals("model") && path.length() > last.length()
        ? nameOf(path.substring(0, path.length() - last.length() - 1))
        : weights.group(1);
  }

  /** The same model under another name. */
  SourceModel named(String other) {
    return new SourceModel(other, revision, path, profile);
  }

  /** What the model is called. */
  public String name() {
    return name;
  }

  /** Its snapshot in the Hugging Face cache, or null. */
  public @Nullable String revision() {
    return revision;
  }

  /** Where it is. */
  public String path() {
    return path;
  }

  /**
   * What its headers say.
   *
   * @throws WeightloomException of kind INPUT
   */
  public synchronized ModelDir dir() {
    ModelDir opened = dir;
    if (opened == null) {
      opened = ModelDir.open(path, profile);
      dir = opened;
    }
    return opened;
  }
}
