package io.weightloom.linalg.openblas;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.LinAlgContract;
import io.weightloom.linalg.LinAlgRegistry;
import org.bytedeco.openblas.global.openblas;
import org.junit.jupiter.api.Test;

/** OpenBLAS keeps the contract, is taken where it is, and uses one thread. */
class OpenBlasLinAlgTest extends LinAlgContract {

  @Override
  protected DenseLinAlg linAlg() {
    return LinAlgRegistry.named("openblas");
  }

  @Test
  void openBlasIsPreferred() {
    assertThat(LinAlgRegistry.get().name()).isEqualTo("openblas");
  }

  @Test
  void callsUseOneThread() {
    linAlg();

    assertThat(openblas.blas_get_num_threads()).isEqualTo(1);
    assertThat(new OpenBlasProvider().usability().reason()).isEqualTo("OpenBLAS, 1 thread a call");
  }
}
