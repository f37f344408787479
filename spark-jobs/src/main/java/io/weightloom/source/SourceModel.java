package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.LocalStorage;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelIdentity;
import io.weightloom.io.ModelReference;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.Profile;
import org.jspecify.annotations.Nullable;

/**
 * A model that can be read: its headers are, at most once and when first asked for.
 *
 * <p>Safe for many threads.
 */
public final class SourceModel {
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
    ModelIdentity own = ModelIdentity.of(path);
    return new SourceModel(own.name(), own.revision(), path, profile);
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
