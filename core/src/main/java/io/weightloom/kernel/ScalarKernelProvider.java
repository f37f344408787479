package io.weightloom.kernel;

import com.google.auto.service.AutoService;

/** Offers the plain loops; always usable. */
@AutoService(KernelProvider.class)
public final class ScalarKernelProvider implements KernelProvider {

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  public Usability usability() {
    return Usability.yes("any JVM");
  }

  @Override
  public int priority() {
    return 0;
  }

  @Override
  public Kernels create() {
    return new ScalarKernels();
  }
}
