package io.weightloom.linalg;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * Lets a long computation use cores that no other such computation uses. One large matrix would
 * keep a single core busy while the others wait for it; where every core has its own, nobody helps
 * anybody. Pieces of work are the same whoever does them, so that helpers do not show in a result.
 */
public final class Crew {
  private static final int CORES = Runtime.getRuntime().availableProcessors();
  private static final AtomicInteger BUSY = new AtomicInteger();
  private static final ExecutorService HELPERS =
      Executors.newCachedThreadPool(
          work -> {
            Thread thread = new Thread(work, "weightloom-linalg");
            thread.setDaemon(true);
            return thread;
          });

  private Crew() {}

  /**
   * Does the pieces 0 … count − 1. They are begun in this order, and a piece that was begun is
   * being worked on: it may wait for those before it.
   */
  public static void forEach(int count, IntConsumer piece) {
    AtomicInteger next = new AtomicInteger();
    Runnable work =
        () -> {
          for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
            piece.accept(i);
          }
        };
    BUSY.incrementAndGet();
    List<Future<?>> helpers = new ArrayList<>();
    try {
      while (helpers.size() + 1 < count && hire()) {
        helpers.add(HELPERS.submit(() -> help(work)));
      }
      work.run();
    } finally {
      BUSY.decrementAndGet();
      helpers.forEach(Crew::await);
    }
  }

  private static boolean hire() {
    if (BUSY.incrementAndGet() <= CORES) {
      return true;
    }
    BUSY.decrementAndGet();
    return false;
  }

  private static void help(Runnable work) {
    try {
      work.run();
    } finally {
      BUSY.decrementAndGet();
    }
  }

  /** Never leaves a helper at work on memory that its caller is about to give back. */
  private static void await(Future<?> helper) {
    boolean interrupted = false;
    while (true) {
      try {
        helper.get();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        throw new IllegalStateException("a piece of linear algebra failed", e.getCause());
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
