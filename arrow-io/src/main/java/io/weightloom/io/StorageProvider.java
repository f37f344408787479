package io.weightloom.io;

/**
 * A service that makes the {@link Storage} of some schemes. Found by {@link
 * java.util.ServiceLoader}; must load without the library that it stands for.
 */
public interface StorageProvider {

  /** Whether paths of this scheme, in small letters, are its own. */
  boolean takes(String scheme);

  /**
   * Of several that take a scheme the highest wins. Less than this for one that takes what others
   * leave.
   */
  default int priority() {
    return 100;
  }

  /**
   * The storage of this path.
   *
   * @throws LinkageError if the library is not there
   */
  Storage create(String path);
}
