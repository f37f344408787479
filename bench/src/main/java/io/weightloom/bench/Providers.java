package io.weightloom.bench;

import io.weightloom.kernel.KernelProvider;
import io.weightloom.kernel.Kernels;
import io.weightloom.kernel.Usability;
import java.util.ServiceLoader;

/** Finds kernels by the name of their provider. */
final class Providers {

  private Providers() {}

  static Kernels named(String name) {
    for (KernelProvider provider : ServiceLoader.load(KernelProvider.class)) {
      if (provider.name().equals(name)) {
        Usability answer = provider.usability();
        if (!answer.usable()) {
          throw new IllegalStateException("Cannot measure " + name + ": " + answer.reason());
        }
        return provider.create();
      }
    }
    throw new IllegalArgumentException("No kernel provider is named " + name);
  }
}
