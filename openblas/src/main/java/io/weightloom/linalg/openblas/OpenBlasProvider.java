package io.weightloom.linalg.openblas;

import com.google.auto.service.AutoService;
import io.weightloom.kernel.Usability;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.LapackLinAlg;
import io.weightloom.linalg.LinAlgProvider;

/**
 * Offers OpenBLAS, if its library can be loaded: JavaCPP unpacks it to {@code ~/.javacpp/cache} or
 * where {@code -Dorg.bytedeco.javacpp.cachedir} says.
 */
@AutoService(LinAlgProvider.class)
public final class OpenBlasProvider implements LinAlgProvider {
  private static final String NAME = "openblas";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int priority() {
    return 20;
  }

  @Override
  public Usability usability() {
    try {
      return Usability.yes(OpenBlasLapack.describe());
    } catch (LinkageError e) {
      return Usability.no(
          "its library cannot be loaded: %s (see whether the jar is for this system and whether -Dorg.bytedeco.javacpp.cachedir can be written)"
              .formatted(e));
    }
  }

  @Override
  public DenseLinAlg create() {
    return new LapackLinAlg(NAME, new OpenBlasLapack());
  }
}
