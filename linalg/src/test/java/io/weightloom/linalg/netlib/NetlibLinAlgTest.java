package io.weightloom.linalg.netlib;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.LinAlgContract;
import io.weightloom.linalg.LinAlgProvider;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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

  /**
   * The first factorisations of a JVM, by several threads at once: each round loads netlib anew, as
   * a JVM does, for its constants are found only once.
   */
  @Test
  void theFirstFactorisationsMayRunAtOnce() throws Exception {
    Matrix a = hilbert(30);
    double[] expected = linAlg().eigenvalues(a);
    for (int round = 0; round < 25; round++) {
      DenseLinAlg fresh = loadedAnew();
      CyclicBarrier start = new CyclicBarrier(4);
      List<Callable<double[]>> tasks =
          Collections.nCopies(
              4,
              () -> {
                start.await();
                return fresh.eigenvalues(a);
              });
      ExecutorService threads = Executors.newFixedThreadPool(4);
      try {
        for (Future<double[]> found : threads.invokeAll(tasks, 20, TimeUnit.SECONDS)) {
          assertThat(found.get()).isEqualTo(expected);
        }
      } finally {
        threads.shutdownNow();
      }
    }
  }

  private static Matrix hilbert(int n) {
    Matrix a = Matrix.zeros(n, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        a.values()[i * n + j] = 1.0 / (i + j + 1);
      }
    }
    return a;
  }

  /** Our classes over netlib and netlib's own, not shared with any other loader. */
  private static DenseLinAlg loadedAnew() throws Exception {
    ClassLoader ours = NetlibProvider.class.getClassLoader();
    ClassLoader anew =
        new ClassLoader(ours) {
          @Override
          protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith("org.netlib.")
                && !name.startsWith(NetlibProvider.class.getPackageName())) {
              return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
              Class<?> loaded = findLoadedClass(name);
              return loaded != null ? loaded : define(name);
            }
          }

          private Class<?> define(String name) throws ClassNotFoundException {
            try (InputStream in =
                getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
              if (in == null) {
                throw new ClassNotFoundException(name);
              }
              byte[] bytes = in.readAllBytes();
              return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    return ((LinAlgProvider)
            anew.loadClass(NetlibProvider.class.getName()).getDeclaredConstructor().newInstance())
        .create();
  }

  @Test
  void productsRunInVectorRegisters() {
    assertThat(new NetlibProvider().usability().reason())
        .isEqualTo("VectorBLAS and LAPACK translated to Java");
  }
}
