package io.weightloom.kernel;

import com.google.auto.service.AutoService;
import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import javax.management.JMException;
import javax.management.JMRuntimeException;
import javax.management.ObjectName;

/**
 * Offers the SIMD loops. Links nothing of {@code jdk.incubator.vector}: where the module is not
 * resolved, touching the loops would end in a {@link NoClassDefFoundError}, so they are found by
 * name and only after every question was answered with yes.
 */
@AutoService(KernelProvider.class)
public final class VectorKernelProvider implements KernelProvider {
  private static final String MODULE = "jdk.incubator.vector";
  private static final String KERNELS = "io.weightloom.kernel.vector.VectorKernels";
  private static final int MIN_BITS = 128;
  private static final int C2_LEVEL = 4;

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public int priority() {
    return 10;
  }

  @Override
  public Usability usability() {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      return Usability.no("the processor is big-endian (nothing to pass: use the scalar kernels)");
    }
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return Usability.no(
          "module %1$s is not resolved (pass --add-modules %1$s)".formatted(MODULE));
    }
    Optional<String> missing = compilerMissing();
    if (missing.isPresent()) {
      return Usability.no(missing.get());
    }
    int bits = preferredBits();
    if (bits < MIN_BITS) {
      return Usability.no(
          "vectors have %d bits, at least %d are needed (drop -XX:MaxVectorSize, if given)"
              .formatted(bits, MIN_BITS));
    }
    return Usability.yes("vectors of %d bits".formatted(bits));
  }

  /** What the module takes for the width: less than the widest registers on AVX without AVX2. */
  private static int preferredBits() {
    try {
      Class<?> shapes = Class.forName(MODULE + ".VectorShape");
      Object preferred = shapes.getMethod("preferredShape").invoke(null);
      return (int) shapes.getMethod("vectorBitSize").invoke(preferred);
    } catch (ReflectiveOperationException | LinkageError e) {
      return 0;
    }
  }

  /** Only C2 turns the calls into instructions; elsewhere each one allocates. */
  private static Optional<String> compilerMissing() {
    if (System.getProperty("java.vm.info", "").contains("interpreted mode")) {
      return Optional.of("the JVM only interprets (drop -Xint)");
    }
    if (option("UseJVMCICompiler").filter("true"::equals).isPresent()) {
      return Optional.of("a JVMCI compiler replaces C2 (pass -XX:-UseJVMCICompiler)");
    }
    Optional<String> level = option("TieredStopAtLevel");
    if (level.isEmpty()) {
      return Optional.of("the JVM has no C2 compiler (use a HotSpot server JVM)");
    }
    if (Integer.parseInt(level.get()) < C2_LEVEL) {
      return Optional.of(
          "C2 is switched off (drop -XX:TieredStopAtLevel=%s)".formatted(level.get()));
    }
    return Optional.empty();
  }

  private static Optional<String> option(String name) {
    HotSpotDiagnosticMXBean hotSpot =
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
    try {
      return Optional.ofNullable(hotSpot).map(bean -> bean.getVMOption(name).getValue());
    } catch (IllegalArgumentException unknownHere) {
      return Optional.empty();
    }
  }

  /**
   * Has each kernel compiled by itself. Inlined into a loop that calls several of them, or into
   * what Spark generates for a query, they pass C2's limit of nodes in the middle of one, whose
   * vectors are boxed from there on: up to ten times as slow. Where the JVM does not take it, all
   * works as before.
   */
  private static void keepApart() {
    if (option("CompileCommand").filter(c -> c.contains(KERNELS)).isPresent()) {
      return; // As the launcher has it.
    }
    try {
      Path directives = Files.createTempFile("weightloom-kernels", ".json");
      try {
        String inline = "-" + KERNELS.replace('.', '/') + ".*";
        Files.writeString(directives, "[{match: [\"*.*\"], inline: [\"%s\"]}]".formatted(inline));
        ManagementFactory.getPlatformMBeanServer()
            .invoke(
                new ObjectName("com.sun.management:type=DiagnosticCommand"),
                "compilerDirectivesAdd",
                new Object[] {new String[] {directives.toString()}},
                new String[] {String[].class.getName()});
      } finally {
        Files.delete(directives);
      }
    } catch (IOException | JMException | JMRuntimeException e) {
      // Nothing depends on it but speed.
    }
  }

  @Override
  public Kernels create() {
    keepApart();
    try {
      return Class.forName(KERNELS).asSubclass(Kernels.class).getConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("Cannot create " + KERNELS, e);
    }
  }
}
