package io.weightloom.kernel;

/** Prints what the vector provider answers and which kernels this JVM chose. */
final class UsabilityMain {

  private UsabilityMain() {}

  public static void main(String[] args) {
    System.out.println(new VectorKernelProvider().usability());
    System.out.println("chosen: " + KernelRegistry.get().kernels().name());
  }
}
