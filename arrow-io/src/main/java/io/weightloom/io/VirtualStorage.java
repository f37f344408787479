package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.Profile;
import java.util.List;
import java.util.stream.Stream;

/**
 * Shows models that are made of a stored one as model directories: the stored model's files under
 * their names, the weights made as they are read. What a path means is read from the path alone, in
 * whatever process. Stateless.
 *
 * @param <M> what says how a model is made
 */
public abstract class VirtualStorage<M> implements Storage {

  /** The name of the file of a virtual path; empty for the directory. */
  protected abstract String name(String path);

  /** The stored file or directory that is there as long as the model of a virtual path. */
  protected abstract String root(String path);

  /** Reads how the model of a virtual path is made. */
  protected abstract M model(String path);

  /** The paths of all that the model of a virtual path is made of. */
  protected abstract Stream<String> parts(String path, M model);

  /** The files of the stored model. */
  protected abstract BaseFiles base(M model);

  /**
   * Holds all that is changed to the stored model; the opening of a model begins with it.
   *
   * @throws WeightloomException of kind INPUT if it does not fit
   */
  protected abstract void check(String path, M model, ModelDir base);

  /**
   * A weights file.
   *
   * @param stored the file that it is made of; closed with the result, or if it cannot be made
   */
  protected abstract ByteSource weights(String path, M model, ByteSource stored);

  /**
   * A file beside the weights: as it is stored, unless a subclass knows better.
   *
   * @param stored the path of the stored file
   */
  protected ByteSource companion(String path, M model, String stored) {
    return Storage.of(stored).open(stored);
  }

  @Override
  public final List<String> origins(String path) {
    return parts(path, model(path)).flatMap(p -> Storage.of(p).origins(p).stream()).toList();
  }

  @Override
  public final boolean exists(String path) {
    String file = isDirectory(path) ? root(path) : base(model(path)).path(name(path));
    return Storage.of(file).exists(file);
  }

  @Override
  public final boolean isDirectory(String path) {
    return name(path).isEmpty();
  }

  @Override
  public final List<String> list(String path) {
    M model = model(path);
    BaseFiles files = base(model);
    ModelDir base = ModelDir.open(files.location(), Profile.REFERENCE);
    check(path, model, base);
    return files.names(base);
  }

  @Override
  public final ByteSource open(String path) {
    if (isDirectory(path)) {
      throw Reads.directory(path);
    }
    M model = model(path);
    String stored = base(model).path(name(path));
    return BaseFiles.isWeights(stored)
        ? weights(path, model, Storage.of(stored).open(stored))
        : companion(path, model, stored);
  }
}
