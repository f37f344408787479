package io.weightloom.catalog;

import io.weightloom.io.ModelDir;
import io.weightloom.io.safetensors.Profile;

/**
 * A model that a catalog shows.
 *
 * @param name the namespace: {@code org/name}, or {@code name}
 * @param path what {@link ModelDir} opens
 */
record CatalogModel(String name, String path) {

  /** Reads headers and configuration. */
  ModelDir open() {
    return ModelDir.open(path, Profile.REFERENCE);
  }
}
