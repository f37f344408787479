package io.weightloom.linalg;

import com.google.auto.service.AutoService;
import io.weightloom.kernel.Usability;

/** Offers the plain loops; always usable. */
@AutoService(LinAlgProvider.class)
public final class ReferenceLinAlgProvider implements LinAlgProvider {

  @Override
  public String name() {
    return ReferenceLinAlg.NAME;
  }

  @Override
  public Usability usability() {
    return Usability.yes("any JVM, slow");
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public DenseLinAlg create() {
    return new ReferenceLinAlg();
  }
}
