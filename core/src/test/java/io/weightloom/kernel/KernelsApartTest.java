package io.weightloom.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;

class KernelsApartTest {
  @Test
  void theCompilerIsToldNotToInlineKernels() throws JMException {
    assumeThat(KernelRegistry.get().kernels().name())
        .as("only SIMD kernels suffer from being inlined")
        .isEqualTo("vector");
    Object directives =
        ManagementFactory.getPlatformMBeanServer()
            .invoke(
                new ObjectName("com.sun.management:type=DiagnosticCommand"),
                "compilerDirectivesPrint",
                new Object[0],
                new String[0]);
    assertThat(String.valueOf(directives)).contains("-io/weightloom/kernel/vector/VectorKernels.*");
  }
}
