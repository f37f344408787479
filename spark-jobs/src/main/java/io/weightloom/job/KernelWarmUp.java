package io.weightloom.job;

import static java.lang.Double.NEGATIVE_INFINITY;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ContentDigest;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import io.weightloom.merge.SpanRunner;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.stats.BlockStats;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Runs the merge of a plan, or a block's statistics, on made-up numbers while Spark starts on the
 * other cores: SIMD kernels are slower than plain loops until the JIT compiler has seen them at
 * work.
 */
public final class KernelWarmUp {
  private static final int ELEMENTS = 1 << 16;
  private static final int SHIFTS = 1 << 12;

  private final Thread thread;
  private volatile boolean stopped;

  private KernelWarmUp(Consumer<KernelWarmUp> work) {
    thread = new Thread(() -> work.accept(this), "kernel warm-up");
    thread.setDaemon(true);
    thread.start();
  }

  /** Begins in the background. */
  public static KernelWarmUp of(MergePlan plan, int blockElements) {
    return new KernelWarmUp(w -> w.run(plan, blockElements));
  }

  /** Begins with the statistics of blocks of BF16, of which most weights are. */
  public static KernelWarmUp ofStatistics() {
    return new KernelWarmUp(KernelWarmUp::repeatStatistics);
  }

  private void repeatStatistics() {
    byte[] noise = noise(2 * ELEMENTS);
    while (!stopped) {
      BlockStats.of(DType.BF16, noise, 0, noise.length, KernelRegistry.get().kernels());
      ContentDigest.chunk(noise, 0, noise.length);
    }
  }

  /** Bytes that are numbers of ordinary size in every dtype. */
  private static byte[] noise(int length) {
    byte[] noise = new byte[length];
    new SplittableRandom(1).nextBytes(noise);
    for (int i = 1; i < noise.length; i += 2) {
      noise[i] = (byte) ((noise[i] & 0x83) | 0x3c);
    }
    return noise;
  }

  private void run(MergePlan plan, int blockElements) {
    plan.tensors().stream()
        .filter(t -> t instanceof Merged)
        .map(t -> ((Merged) t).merge())
        .findFirst()
        .ifPresent(merge -> repeat(plan, small(merge), blockElements));
  }

  private static TensorMerge small(TensorMerge merge) {
    TensorSpec base = merge.base();
    return new TensorMerge(
        small(merge.output()),
        base == null ? null : small(base),
        merge.inputs().stream()
            .map(i -> new TensorMerge.Input(i.model(), small(i.spec())))
            .toList(),
        merge.compute(),
        merge.numerics(),
        merge.params(),
        merge.sides().stream()
            .map(
                s ->
                    new TensorMerge.Side(
                        s.name(), s.table(), small(s.spec()), s.layout(), NEGATIVE_INFINITY))
            .toList());
  }

  private static TensorSpec small(TensorSpec spec) {
    return new TensorSpec(spec.name(), spec.dtype(), Shape.of(ELEMENTS));
  }

  private void repeat(MergePlan plan, TensorMerge merge, int blockElements) {
    SpanRunner runner = new SpanRunner(KernelRegistry.get().kernels(), blockElements);
    byte[] noise = noise(ELEMENTS * 8 + SHIFTS);
    SpanRunner.BlockReader reader =
        (input, offset, into, length) ->
            System.arraycopy(noise, ((input + 1) * 64) % SHIFTS, into, 0, length);
    if (!(MergeMethods.named(plan.method()).orElseThrow() instanceof ElementwiseMethod method)) {
      return; // A matrix method's time is in the library.
    }
    Span span = new Span(0, 0, ELEMENTS);
    while (!stopped) {
      try {
        MergeState state = method.begin(new MergeScope(plan.seed(), List.of(merge)));
        for (Optional<MergeState.Survey> s = state.survey(); s.isPresent(); s = state.survey()) {
          state = s.get().conclude(List.of(runner.survey(s.get(), merge, span, reader, true)));
        }
        ContentDigest.Accumulator digest = Worker.digest(merge.output());
        runner.emit(state, merge, span, reader, (o, b, n) -> digest.update(b, 0, n), true);
      } catch (WeightloomException e) {
        return; // Noise that is not finite in this dtype: then there is nothing to warm with.
      }
    }
  }

  /** Stops at the end of the current round. */
  public void stop() {
    stopped = true;
  }
}
