package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.PositionalWriter;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MatrixRunner;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.Span;
import io.weightloom.merge.SpanRunner;
import io.weightloom.merge.SpanRunner.BlockReader;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Does the work of one task on an executor. Opens each file once, holds one block a model, closes
 * all at the end. Belongs to one thread.
 */
final class Worker implements AutoCloseable {
  private static final ThreadLocal<@Nullable SpanRunner> RUNNERS = new ThreadLocal<>();

  private final int blockElements;
  private final boolean checkFinite;
  private final SpanRunner runner;
  private final Map<String, ByteSource> sources = new HashMap<>();
  private final Map<String, PositionalWriter> outputs = new HashMap<>();

  Worker(int blockElements, boolean checkFinite) {
    this.blockElements = blockElements;
    this.checkFinite = checkFinite;
    this.runner = runner(blockElements);
  }

  /** Threads of a task pool outlive tasks, and so may their buffers. */
  private static SpanRunner runner(int blockElements) {
    SpanRunner runner = RUNNERS.get();
    if (runner == null || runner.blockElements() != blockElements) {
      runner = new SpanRunner(KernelRegistry.get().kernels(), blockElements);
      RUNNERS.set(runner);
    }
    return runner;
  }

  Work.Done run(Work work, MergeState[] states) {
    if (work instanceof Work.SurveySpan w) {
      Survey survey = states[w.scope()].survey().orElseThrow();
      return new Work.Surveyed(w.scope(), survey(survey, w.place(), w.span(), w.first()));
    }
    if (work instanceof Work.EmitSpan w) {
      return emit(states[w.scope()], w.place(), w.span(), !w.surveyed(), null);
    }
    if (work instanceof Work.WholeTensor w) {
      return wholeTensor(w);
    }
    if (work instanceof Work.WholeMatrix w) {
      return wholeMatrix(w);
    }
    return copy((Work.CopyBytes) work);
  }

  private Work.Emitted wholeTensor(Work.WholeTensor work) {
    MergeState state = work.begin();
    Span span = new Span(0, 0, work.place().merge().elements());
    boolean first = true;
    for (Optional<Survey> s = state.survey(); s.isPresent(); s = state.survey()) {
      state = s.get().conclude(List.of(survey(s.get(), work.place(), span, first)));
      first &= !s.get().isComplete();
    }
    return emit(state, work.place(), span, first, state.decisions(0));
  }

  private MergeState.Part survey(Survey survey, Work.Place place, Span span, boolean first) {
    return runner.survey(
        survey,
        place.merge(),
        span,
        (i, o, b, n) -> read(location(place, i), o, b, n),
        checkFinite && first);
  }

  private Work.Emitted emit(
      MergeState state,
      Work.Place place,
      Span span,
      boolean first,
      @Nullable Map<String, Object> decided) {
    List<ContentDigest.Accumulator> inputs = inputDigests(place);
    ContentDigest.Accumulator output = digest(place.merge().output());
    PositionalWriter writer = output(place.file());
    BlockReader reader =
        new BlockReader() {
          @Override
          public void read(int i, long offset, byte[] block, int n) {
            readAhead(i, offset, block, n);
            inputs.get(i == SpanRunner.BASE ? inputs.size() - 1 : i).update(block, 0, n);
          }

          @Override
          public void readAhead(int i, long offset, byte[] block, int n) {
            Worker.this.read(location(place, i), offset, block, n);
          }
        };
    Map<String, long[]> counts =
        runner.emit(
            state,
            place.merge(),
            span,
            reader,
            (offset, block, n) -> {
              output.update(block, 0, n);
              write(writer, place.file(), place.begin() + offset, block, n);
            },
            checkFinite && first);
    return new Work.Emitted(
        place.tensor(),
        span.first(),
        counts,
        inputs.stream().map(ContentDigest.Accumulator::grains).toArray(long[][]::new),
        output.grains(),
        decided);
  }

  /** The models' in order, the side tables', then the base's if there is one. */
  private static List<ContentDigest.Accumulator> inputDigests(Work.Place place) {
    List<ContentDigest.Accumulator> inputs = new ArrayList<>();
    place.inputs().forEach(i -> inputs.add(digest(i.spec())));
    TensorLocation base = place.base();
    if (base != null) {
      inputs.add(digest(base.spec()));
    }
    return inputs;
  }

  private Work.Emitted wholeMatrix(Work.WholeMatrix work) {
    TensorMerge merge = work.place().merge();
    MatrixMethod method = work.matrixMethod();
    return MatrixMemory.ofThisJvm()
        .within(merge.output(), method.workBytes(merge), () -> wholeMatrix(work, method));
  }

  private Work.Emitted wholeMatrix(Work.WholeMatrix work, MatrixMethod method) {
    Work.Place place = work.place();
    List<ContentDigest.Accumulator> inputs = inputDigests(place);
    long[] digested = new long[inputs.size()];
    ContentDigest.Accumulator output = digest(place.merge().output());
    PositionalWriter writer = output(place.file());
    Map<String, Object> decisions =
        new MatrixRunner(KernelRegistry.get().kernels(), LinAlgRegistry.named(work.linAlg()))
            .merge(
                method,
                place.merge(),
                (i, offset, block, n) -> {
                  read(location(place, i), offset, block, n);
                  int input = i == SpanRunner.BASE ? inputs.size() - 1 : i;
                  if (offset == digested[input]) { // Later reads are of what was digested.
                    inputs.get(input).update(block, 0, n);
                    digested[input] += n;
                  }
                },
                (offset, block, n) -> {
                  output.update(block, 0, n);
                  write(writer, place.file(), place.begin() + offset, block, n);
                },
                checkFinite);
    return new Work.Emitted(
        place.tensor(),
        0,
        Map.of(),
        inputs.stream().map(ContentDigest.Accumulator::grains).toArray(long[][]::new),
        output.grains(),
        decisions);
  }

  private Work.Emitted copy(Work.CopyBytes work) {
    ContentDigest.Accumulator digest = digest(work.source().spec());
    PositionalWriter writer = output(work.file());
    byte[] block = new byte[(int) Math.min(work.length(), blockElements)];
    for (long done = 0; done < work.length(); done += block.length) {
      int n = (int) Math.min(block.length, work.length() - done);
      read(work.source(), work.offset() + done, block, n);
      digest.update(block, 0, n);
      write(writer, work.file(), work.begin() + work.offset() + done, block, n);
    }
    long[] grains = digest.grains();
    return new Work.Emitted(
        work.tensor(), work.offset(), Map.of(), new long[][] {grains}, grains, null);
  }

  private static TensorLocation location(Work.Place place, int input) {
    TensorLocation base = place.base();
    if (input != SpanRunner.BASE) {
      return place.inputs().get(input);
    }
    if (base == null) {
      throw new IllegalStateException(place.merge().output().name() + " has no base");
    }
    return base;
  }

  /** A grain's bytes: its elements, or as many bytes for the types that are narrower. */
  static ContentDigest.Accumulator digest(TensorSpec spec) {
    return new ContentDigest.Accumulator((long) Span.GRAIN * grainWidth(spec.dtype()));
  }

  static int grainWidth(DType dtype) {
    return Math.max(1, dtype.bits() / 8);
  }

  private void read(TensorLocation from, long offset, byte[] block, int n) {
    sources
        .computeIfAbsent(from.file(), f -> Storage.of(f).open(f))
        .readFully(from.begin() + offset, block, 0, n);
  }

  private PositionalWriter output(String file) {
    return outputs.computeIfAbsent(
        file,
        f -> {
          try {
            return PositionalWriter.open(Path.of(f));
          } catch (IOException e) {
            throw OutputDir.cannotWrite(f, e);
          }
        });
  }

  private static void write(PositionalWriter writer, String file, long at, byte[] block, int n) {
    try {
      writer.write(at, block, n);
    } catch (IOException e) {
      throw OutputDir.cannotWrite(file, e);
    }
  }

  @Override
  public void close() {
    sources.values().forEach(ByteSource::close);
    sources.clear();
    for (Map.Entry<String, PositionalWriter> output : outputs.entrySet()) {
      try {
        output.getValue().close();
      } catch (IOException e) {
        throw WeightloomException.conflict(
            "Cannot close %s: %s (see the disk)".formatted(output.getKey(), e));
      }
    }
    outputs.clear();
  }
}
