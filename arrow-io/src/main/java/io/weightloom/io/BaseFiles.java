package io.weightloom.io;

import java.util.List;

/**
 * The files of the model that a virtual one is made of.
 *
 * @param location the model's directory, or one safetensors file, whatever else lies beside it
 */
public record BaseFiles(String location) {

  private boolean isFile() {
    return location.endsWith(WeightFiles.SUFFIX);
  }

  /** Whether a file of this name holds weights. */
  public static boolean isWeights(String name) {
    return name.endsWith(WeightFiles.SUFFIX);
  }

  /** The path of a file of the model. */
  public String path(String file) {
    String dir =
        isFile() ? location.substring(0, Math.max(0, location.lastIndexOf('/'))) : location;
    return Storage.of(dir).resolve(dir, file);
  }

  /**
   * The names of the model's files: all of its directory, but of one file no other weights.
   *
   * @param opened the model of this location
   */
  public List<String> names(ModelDir opened) {
    List<String> names = Storage.of(opened.path()).list(opened.path());
    return isFile()
        ? names.stream()
            .filter(n -> !n.contains(WeightFiles.SUFFIX) || location.endsWith("/" + n))
            .toList()
        : names;
  }
}
