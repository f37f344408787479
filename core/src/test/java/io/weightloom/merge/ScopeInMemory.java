package io.weightloom.merge;

import io.weightloom.kernel.Kernels;
import io.weightloom.merge.MergeInMemory.Result;
import io.weightloom.merge.MergeInMemory.TensorData;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.SpanRunner.BlockReader;
import io.weightloom.tensor.DType;
import io.weightloom.testkit.Serialized;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Walks the surveys and the emission of a scope through {@link SpanRunner}, and sends each state
 * and survey through Java serialization as a cluster would. For one thread.
 *
 * @param grains a span has at most
 * @param shuffle the seed of the order of spans in every read; null for theirs
 * @param bytesRead receives, by input, the bytes that were read
 */
record ScopeInMemory(
    ElementwiseMethod method,
    Kernels kernels,
    int block,
    int grains,
    @Nullable Long shuffle,
    boolean checkFinite,
    DType output,
    Map<Integer, Long> bytesRead) {

  /**
   * Merges a scope.
   *
   * @param data what its tensors hold
   * @param result receives what comes of each tensor
   * @return how often the models were read
   */
  int run(MergeScope scope, List<TensorData> data, Result result) {
    SpanRunner runner = new SpanRunner(kernels, block);
    List<Span> spans = spans(data);
    List<Span> walk = new ArrayList<>(spans);
    if (shuffle != null) {
      Collections.shuffle(walk, new Random(shuffle));
    }
    MergeState state = Serialized.copy(method.begin(scope));
    int reads = 1;
    for (Optional<Survey> s = state.survey(); s.isPresent(); s = state.survey()) {
      Survey survey = Serialized.copy(s.get());
      List<Part> parts = new ArrayList<>();
      for (Span span : walk) {
        TensorMerge tensor = scope.tensors().get(span.tensor());
        BlockReader reader = reader(data.get(span.tensor()));
        parts.add(Serialized.copy(runner.survey(survey, tensor, span, reader, checkFinite)));
      }
      parts.sort((a, b) -> a.span().compareTo(b.span()));
      parts.forEach(p -> result.found().add(Serialized.bytes(p.found())));
      state = Serialized.copy(survey.conclude(parts));
      reads++;
    }
    if (reads > method.reads(scope)) {
      throw new IllegalStateException(reads + " reads, promised " + method.reads(scope));
    }
    emit(runner, state, scope, data, walk, result);
    return reads;
  }

  private void emit(
      SpanRunner runner,
      MergeState state,
      MergeScope scope,
      List<TensorData> data,
      List<Span> walk,
      Result result) {
    byte[][] bytes = new byte[data.size()][];
    List<Part> parts = new ArrayList<>();
    List<Map<String, long[]>> counts = new ArrayList<>();
    data.forEach(d -> counts.add(new HashMap<>()));
    for (int t = 0; t < bytes.length; t++) {
      bytes[t] = new byte[data.get(t).models().get(0).count() * output.bytes()];
    }
    for (Span span : walk) {
      int t = span.tensor();
      SpanRunner.Emitted emitted =
          runner.emit(
              state,
              scope.tensors().get(t),
              span,
              reader(data.get(t)),
              (offset, from, length) -> System.arraycopy(from, 0, bytes[t], (int) offset, length),
              checkFinite);
      emitted.counts().forEach((k, v) -> counts.get(t).merge(k, v, ScopeInMemory::sum));
      emitted.part().ifPresent(part -> parts.add(Serialized.copy(part)));
    }
    parts.sort((a, b) -> a.span().compareTo(b.span()));
    MergeState written = state.written(parts);
    for (int t = 0; t < bytes.length; t++) {
      result.outputs().add(new Stored(output, bytes[t]));
      result.decisions().add(written.decisions(t));
      result.counts().add(counts.get(t));
    }
  }

  private static long[] sum(long[] a, long[] b) {
    long[] sum = a.clone();
    Arrays.setAll(sum, k -> a[k] + b[k]);
    return sum;
  }

  private List<Span> spans(List<TensorData> data) {
    List<Span> spans = new ArrayList<>();
    for (int t = 0; t < data.size(); t++) {
      long count = data.get(t).models().get(0).count();
      long step = Math.multiplyExact((long) grains, Span.GRAIN);
      for (long first = 0; first < count; first += step) {
        spans.add(new Span(t, first, Math.min(step, count - first)));
      }
    }
    return spans;
  }

  /** Fills what lies behind the block with rubbish, so that nothing may come of it. */
  private BlockReader reader(TensorData data) {
    return (input, offset, into, length) -> {
      Stored base = data.base();
      int models = data.models().size();
      if (input < models) {
        bytesRead.merge(input, (long) length, Long::sum);
      }
      Stored from =
          input == SpanRunner.BASE && base != null
              ? base
              : input < models
                  ? data.models().get(input)
                  : data.sides().get(input - models).stored();
      System.arraycopy(from.bytes(), (int) offset, into, 0, length);
      Arrays.fill(into, length, into.length, (byte) 0x55);
    };
  }
}
