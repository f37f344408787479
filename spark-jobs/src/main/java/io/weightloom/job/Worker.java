package io.weightloom.job;

import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.PositionalWriter;
import io.weightloom.io.Storage;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MatrixRunner;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.Span;
import io.weightloom.merge.SpanRunner;
import io.weightloom.merge.SpanRunner.BlockReader;
import io.weightloom.merge.SpanRunner.BlockWriter;
import io.weightloom.merge.SpanRunner.Emitted;
import io.weightloom.merge.SpanRunner.Emitting;
import io.weightloom.merge.SpanRunner.Feed;
import io.weightloom.merge.SpanRunner.Surveying;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Does the work of one task on an executor. Opens each file once, holds one block a model, closes
 * all at the end. Belongs to one thread.
 */
final class Worker implements AutoCloseable {
  private static final ThreadLocal<@Nullable SpanRunner> RUNNERS = new ThreadLocal<>();

  private final int blockElements;
  private final SpanRunner runner;
  private final Map<String, ByteSource> sources = new HashMap<>();
  private final Map<String, PositionalWriter> outputs = new HashMap<>();

  Worker(int blockElements) {
    this.blockElements = blockElements;
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

  List<? extends Work.Done> run(Work work, MergeState[] states) {
    if (work instanceof Work.SurveySpan w) {
      return survey(w, states);
    }
    if (work instanceof Work.EmitSpan w) {
      return emit(w, states);
    }
    if (work instanceof Work.WholeTensor w) {
      return wholeTensor(w);
    }
    if (work instanceof Work.WholeMatrix w) {
      return List.of(wholeMatrix(w));
    }
    return copy((Work.CopyBytes) work);
  }

  private List<Work.Surveyed> survey(Work.SurveySpan work, MergeState[] states) {
    Reading reading = new Reading();
    List<Surveying> surveys = new ArrayList<>();
    for (Work.Share share : work.shares()) {
      Span span = new Span(share.member(), work.at(), work.count());
      Survey survey = states[share.scope()].survey().orElseThrow();
      surveys.add(
          new Surveying(
              survey, reading.feed(share.place(), span, share.first(), survey.isComplete())));
    }
    List<MergeState.Part> parts = runner.survey(surveys, reading.reader());
    return IntStream.range(0, parts.size())
        .mapToObj(i -> new Work.Surveyed(work.shares().get(i).scope(), parts.get(i)))
        .toList();
  }

  private List<Work.Emitted> emit(Work.EmitSpan work, MergeState[] states) {
    Emission emission = new Emission();
    for (Work.Share share : work.shares()) {
      Span span = new Span(share.member(), work.at(), work.count());
      emission.add(states[share.scope()], share.place(), span, share.first());
    }
    return emission.run(i -> Optional.empty());
  }

  /** Rounds of surveys, each of all shares that still ask for one, then the emission of all. */
  private List<Work.Emitted> wholeTensor(Work.WholeTensor work) {
    List<Work.WholeShare> shares = work.shares();
    Span span = new Span(0, 0, shares.get(0).place().merge().elements());
    List<MergeState> states = new ArrayList<>();
    shares.forEach(s -> states.add(s.begin()));
    boolean[] first = new boolean[shares.size()];
    Arrays.fill(first, true);
    while (states.stream().anyMatch(s -> s.survey().isPresent())) {
      round(shares, span, states, first);
    }
    Emission emission = new Emission();
    for (int i = 0; i < first.length; i++) {
      emission.add(states.get(i), shares.get(i).place(), span, first[i]);
    }
    return emission.run(i -> Optional.of(states.get(i)));
  }

  private void round(
      List<Work.WholeShare> shares, Span span, List<MergeState> states, boolean[] first) {
    Reading reading = new Reading();
    List<Surveying> surveys = new ArrayList<>();
    Map<Integer, Integer> ofLeader = new HashMap<>();
    for (int i = 0; i < first.length; i++) {
      Optional<Survey> survey = states.get(i).survey();
      if (survey.isPresent() && shares.get(i).leader() == i) {
        ofLeader.put(i, surveys.size());
        Feed feed = reading.feed(shares.get(i).place(), span, first[i], survey.get().isComplete());
        surveys.add(new Surveying(survey.get(), feed));
      }
    }
    List<MergeState.Part> parts = runner.survey(surveys, reading.reader());
    for (int i = 0; i < first.length; i++) {
      Optional<Survey> survey = states.get(i).survey();
      Integer part = ofLeader.get(shares.get(i).leader());
      if (survey.isPresent() && part != null) {
        states.set(i, survey.get().conclude(List.of(parts.get(part))));
        first[i] &= !survey.get().isComplete();
      }
    }
  }

  /** What one read goes through: each tensor once, whoever looks at it. */
  private final class Reading {
    private final Map<TensorView, Integer> numbers = new LinkedHashMap<>();
    private final List<TensorView> views = new ArrayList<>();
    private final Set<Integer> checked = new HashSet<>();

    /**
     * The share of one merge. Values that another share checks are not checked again.
     *
     * @param complete whether it looks at every value
     */
    Feed feed(Work.Place place, Span span, boolean first, boolean complete) {
      int[] feed = new int[place.inputs().size() + 1];
      TensorView base = place.base();
      feed[0] = base == null ? SpanRunner.BASE : number(base);
      for (int i = 1; i < feed.length; i++) {
        feed[i] = number(place.inputs().get(i - 1));
      }
      boolean check = first && place.checkFinite();
      if (check && complete) {
        check = checked.addAll(Arrays.stream(feed).filter(n -> n >= 0).boxed().toList());
      }
      return new Feed(place.merge(), span, feed, check);
    }

    private int number(TensorView view) {
      Integer known = numbers.putIfAbsent(view, views.size());
      if (known == null) {
        views.add(view);
      }
      return known == null ? views.size() - 1 : known;
    }

    List<TensorView> views() {
      return views;
    }

    BlockReader reader() {
      return (i, offset, block, n) -> read(views.get(i), offset, block, n);
    }
  }

  /** A read that writes. */
  private final class Emission {
    private final Reading reading = new Reading();
    private final List<Work.Place> places = new ArrayList<>();
    private final List<Emitting> emissions = new ArrayList<>();
    private final List<ContentDigest.Accumulator> written = new ArrayList<>();

    void add(MergeState state, Work.Place place, Span span, boolean first) {
      ContentDigest.Accumulator digest =
          digest(place.isMask() ? DType.U8 : place.merge().output().dtype());
      places.add(place);
      written.add(digest);
      emissions.add(
          new Emitting(
              state, reading.feed(place, span, first, true), writer(place, span.first(), digest)));
    }

    /**
     * Writes.
     *
     * @param alone the state of a scope of which no other task writes anything
     */
    List<Work.Emitted> run(IntFunction<Optional<MergeState>> alone) {
      List<ContentDigest.Accumulator> digests =
          reading.views().stream().map(v -> digest(v.spec())).toList();
      List<Emitted> emitted = runner.emit(emissions, digesting(digests));
      List<Work.Emitted> done = new ArrayList<>();
      for (int i = 0; i < places.size(); i++) {
        Optional<MergeState.Part> part = emitted.get(i).part();
        done.add(
            new Work.Emitted(
                places.get(i).output(),
                places.get(i).tensor(),
                emissions.get(i).feed().span().first(),
                emitted.get(i).counts(),
                part.orElse(null),
                grains(emissions.get(i).feed().sources(), digests),
                written.get(i).grains(),
                alone
                    .apply(i)
                    .map(state -> state.written(part.stream().toList()).decisions(0))
                    .orElse(null)));
      }
      return done;
    }

    private BlockReader digesting(List<ContentDigest.Accumulator> digests) {
      BlockReader plain = reading.reader();
      return new BlockReader() {
        @Override
        public void read(int i, long offset, byte[] block, int n) {
          plain.read(i, offset, block, n);
          digests.get(i).update(block, 0, n);
        }

        @Override
        public void readAhead(int i, long offset, byte[] block, int n) {
          plain.read(i, offset, block, n);
        }
      };
    }

    /** The models' in order, the side tables', then the base's if there is one. */
    private long[][] grains(int[] feed, List<ContentDigest.Accumulator> digests) {
      boolean based = feed[0] != SpanRunner.BASE;
      long[][] grains = new long[based ? feed.length : feed.length - 1][];
      for (int i = 0; i < grains.length; i++) {
        grains[i] = digests.get(feed[(i + 1) % feed.length]).grains();
      }
      return grains;
    }
  }

  private BlockWriter writer(Work.Place place, long first, ContentDigest.Accumulator digest) {
    List<PositionalWriter> writers = place.targets().stream().map(t -> output(t.file())).toList();
    BlockWriter bytes =
        (offset, block, n) -> {
          digest.update(block, 0, n);
          for (int i = 0; i < writers.size(); i++) {
            Work.Target target = place.targets().get(i);
            write(writers.get(i), target.file(), target.begin() + offset, block, n);
          }
        };
    if (!place.isMask()) {
      return bytes;
    }
    TensorSpec computed = place.merge().output();
    return PackedBits.packing(
        PackedMasks.isPacked(place.merge())
            ? PackedBits.Order.LOWEST_FIRST
            : PackedBits.Order.HIGHEST_FIRST,
        computed.dtype().bytes(),
        first,
        computed.elements(),
        bytes);
  }

  /** The models' in order, the side tables', then the base's if there is one. */
  private static List<ContentDigest.Accumulator> inputDigests(Work.Place place) {
    List<ContentDigest.Accumulator> inputs = new ArrayList<>();
    place.inputs().forEach(i -> inputs.add(digest(i.spec())));
    TensorView base = place.base();
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
    ContentDigest.Accumulator output =
        digest(place.isMask() ? DType.U8 : place.merge().output().dtype());
    Map<String, Object> decisions =
        new MatrixRunner(KernelRegistry.get().kernels(), LinAlgRegistry.named(work.linAlg()))
            .merge(
                method,
                place.merge(),
                (i, offset, block, n) -> {
                  read(view(place, i), offset, block, n);
                  int input = i == SpanRunner.BASE ? inputs.size() - 1 : i;
                  if (offset == digested[input]) { // Later reads are of what was digested.
                    inputs.get(input).update(block, 0, n);
                    digested[input] += n;
                  }
                },
                writer(place, 0, output),
                place.checkFinite());
    return new Work.Emitted(
        place.output(),
        place.tensor(),
        0,
        Map.of(),
        null,
        inputs.stream().map(ContentDigest.Accumulator::grains).toArray(long[][]::new),
        output.grains(),
        decisions);
  }

  private List<Work.Emitted> copy(Work.CopyBytes work) {
    ContentDigest.Accumulator digest = digest(work.source().spec());
    byte[] block = new byte[(int) Math.min(work.length(), blockElements)];
    for (long done = 0; done < work.length(); done += block.length) {
      int n = (int) Math.min(block.length, work.length() - done);
      long at = work.offset() + done;
      source(work.source().file()).readFully(work.source().begin() + at, block, 0, n);
      digest.update(block, 0, n);
      for (Work.Copy copy : work.copies()) {
        for (Work.Target target : copy.targets()) {
          write(output(target.file()), target.file(), target.begin() + at, block, n);
        }
      }
    }
    long[] grains = digest.grains();
    return work.copies().stream()
        .map(
            c ->
                new Work.Emitted(
                    c.output(),
                    c.tensor(),
                    work.offset(),
                    Map.of(),
                    null,
                    new long[][] {grains},
                    grains,
                    null))
        .toList();
  }

  private static TensorView view(Work.Place place, int input) {
    TensorView base = place.base();
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
    return digest(spec.dtype());
  }

  private static ContentDigest.Accumulator digest(DType dtype) {
    return new ContentDigest.Accumulator((long) Span.GRAIN * grainWidth(dtype));
  }

  static int grainWidth(DType dtype) {
    return Math.max(1, dtype.bits() / 8);
  }

  private void read(TensorView from, long offset, byte[] block, int n) {
    from.read(source(from.stored().file()), offset, block, n);
  }

  private ByteSource source(String file) {
    return sources.computeIfAbsent(file, f -> Storage.of(f).open(f));
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
        throw OutputDir.cannotWrite(output.getKey(), e);
      }
    }
    outputs.clear();
  }
}
