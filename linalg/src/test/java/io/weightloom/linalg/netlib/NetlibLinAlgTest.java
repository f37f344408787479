package io.weightloom.linalg.netlib;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.LinAlgContract;
import io.weightloom.linalg.LinAlgRegistry;
import org.junit.jupiter.api.Test;

/** Netlib keeps the contract, and is what a JVM without natives takes. */
class NetlibLinAlgTest extends LinAlgContract {

  @Override
  protected DenseLinAlg linAlg() {
    return LinAlgRegistry.named("netlib");
  }

  @Test
  void netlibIsPreferredToTheReference() {
    assertThat(LinAlgRegistry.get().name()).isEqualTo("netlib");
    assertThat(LinAlgRegistry.answers().keySet()).containsExactly("netlib", "reference");
  }

  @Test
  void productsRunInVectorRegisters() {
    assertThat(new NetlibProvider().usability().reason())
        .isEqualTo("VectorBLAS and LAPACK translated to Java");
  }
}
