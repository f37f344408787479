package io.weightloom.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** As many matrices are in memory as it holds, and what never fits is said. */
class MatrixMemoryTest {
  private static final TensorSpec TENSOR = new TensorSpec("t", DType.F32, Shape.of(7, 9));

  @Test
  void whatNeverFitsIsAnError() {
    MatrixMemory memory = new MatrixMemory(100L << 20);

    assertThatThrownBy(() -> memory.within(TENSOR, 101L << 20, () -> 1))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith(
            "Cannot merge t [7, 9]: its matrices take 101.00 MiB, this JVM has 100.00 MiB for them (");
    assertThat(memory.<Integer>within(TENSOR, 100L << 20, () -> 1)).isEqualTo(1);
  }

  @Test
  void tasksThatDoNotFitTogetherGoOneAfterTheOther() throws Exception {
    assertThat(mostAtOnce(60L << 20)).isEqualTo(1);
  }

  @Test
  void tasksThatFitTogetherGoTogether() throws Exception {
    MatrixMemory memory = new MatrixMemory(100L << 20);
    CountDownLatch both = new CountDownLatch(2);
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      List<Future<Boolean>> met = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        met.add(threads.submit(() -> memory.within(TENSOR, 40L << 20, () -> meet(both))));
      }
      for (Future<Boolean> m : met) {
        assertThat(m.get()).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static boolean meet(CountDownLatch latch) {
    latch.countDown();
    try {
      return latch.await(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int mostAtOnce(long each) throws Exception {
    MatrixMemory memory = new MatrixMemory(100L << 20);
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Integer>> done = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        done.add(
            threads.submit(
                () ->
                    memory.within(
                        TENSOR,
                        each,
                        () -> {
                          most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                          LockSupport.parkNanos(200_000);
                          return inside.decrementAndGet();
                        })));
      }
      for (Future<Integer> d : done) {
        d.get();
      }
      return most.get();
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void roomIsGivenBackWhenTheWorkFails() {
    MatrixMemory memory = new MatrixMemory(100L << 20);

    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(
              () ->
                  memory.within(
                      TENSOR,
                      90L << 20,
                      () -> {
                        throw WeightloomException.input("no");
                      }))
          .hasMessage("no");
    }
  }
}
