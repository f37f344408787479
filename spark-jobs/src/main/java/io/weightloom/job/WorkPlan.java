package io.weightloom.job;

import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.Span;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.plan.PlannedTensor.Tied;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Cuts prepared merges into work, so that what several of them read of a tensor is read once. A
 * tensor with statistics of its own is done by one task from first read to last, unless it is too
 * large a share of the whole; then, and for statistics of the whole model, spans are surveyed by
 * many tasks, round after round. Which of the two never shows in the output.
 */
final class WorkPlan {

  /**
   * How large the pieces are.
   *
   * @param spanBytes input bytes of one piece of work
   * @param wholeBytes input bytes up to which one task may read a tensor several times
   */
  record Cut(long spanBytes, long wholeBytes) {
    static final Cut DEFAULT = new Cut(64L << 20, 1L << 30);
  }

  /**
   * A scope that is cut over tasks.
   *
   * @param output index of its merge
   * @param tensors its tensors in the merge's plan
   * @param leader index of the first scope whose surveys find the same
   */
  private record CutScope(int output, List<Integer> tensors, int leader) {}

  /** A scope of a merge by the first of its tensors. */
  private record ScopeId(int output, int tensor) {}

  /** A merge's tensor before it is known how it is cut. */
  private record Lane(
      Outputs outputs, MergeScope scope, List<Integer> tensors, int member, MergeState state) {
    Work.Place place() {
      return outputs.place(tensors.get(member));
    }
  }

  /** The lanes that read the same tensor together. */
  private record Group(String tensor, long elements) {}

  /** The tensors that are read together, whose spans are done by many tasks. */
  private record CutGroup(List<Part> parts, long elements, long width) {}

  private record Part(int scope, int member, Work.Place place) {}

  private final List<Outputs> outputs = new ArrayList<>();
  private final int parallelism;
  private final Cut cut;
  private final List<MergeState> states = new ArrayList<>();
  private final List<CutScope> scopes = new ArrayList<>();
  private final List<CutGroup> groups = new ArrayList<>();
  private final List<Work> whole = new ArrayList<>();

  /** Scopes whose values a full read has checked. */
  private final BitSet checked = new BitSet();

  private final List<Work> copies = new ArrayList<>();

  WorkPlan(List<PreparedMerge> merges, List<OutputDir> dirs, int parallelism, Cut cut) {
    this.parallelism = parallelism;
    this.cut = cut;
    for (int i = 0; i < merges.size(); i++) {
      outputs.add(new Outputs(i, merges.get(i), dirs.get(i)));
    }
    Map<Group, List<Lane>> lanes = new LinkedHashMap<>();
    // A matrix of one merge after that of the other: its bytes are still in the page cache.
    Map<String, List<Work>> matrices = new LinkedHashMap<>();
    outputs.forEach(o -> lanes(o, lanes, matrices));
    matrices.values().forEach(whole::addAll);
    Map<ScopeId, Integer> numbers = new HashMap<>();
    Map<SurveyKey, Integer> leaders = new HashMap<>();
    lanes.values().forEach(group -> elementwise(group, numbers, leaders));
    copies();
  }

  /** One merge of the job: where its tensors lie and go. */
  private static final class Outputs {
    private final int index;
    private final PreparedMerge merge;
    private final MergePlan plan;
    private final MergeMethod method;
    private final Map<String, Work.Target> targets = new HashMap<>();
    private final Map<Integer, List<Work.Target>> tied = new HashMap<>();

    Outputs(int index, PreparedMerge merge, OutputDir dir) {
      this.index = index;
      this.merge = merge;
      this.plan = merge.plan();
      this.method = MergeMethods.named(plan.method()).orElseThrow();
      for (int i = 0; i < merge.layouts().size(); i++) {
        SafetensorsLayout layout = merge.layouts().get(i);
        String file = dir.path(plan.shards().get(i).file()).toString();
        for (StoredTensor t : layout.tensors()) {
          targets.put(t.spec().name(), new Work.Target(file, t.begin()));
        }
      }
      for (PlannedTensor t : plan.tensors()) {
        if (t instanceof Tied to) {
          tied.computeIfAbsent(to.to(), i -> new ArrayList<>()).add(target(to));
        }
      }
    }

    Work.Place place(int tensor) {
      Merged merged = (Merged) plan.tensors().get(tensor);
      List<TensorView> inputs = new ArrayList<>();
      for (int k = 0; k < merged.models().size(); k++) {
        inputs.add(
            view(
                merge.models().get(merged.models().get(k)), merged.merge().inputs().get(k).spec()));
      }
      for (int s = 0; s < merged.sides().size(); s++) {
        inputs.add(
            view(
                merge.sideTables().get(merged.sides().get(s)),
                merged.merge().sides().get(s).spec()));
      }
      TensorSpec base = merged.merge().base();
      return new Work.Place(
          index,
          tensor,
          merged.merge(),
          base == null ? null : view(merge.models().get(merged.baseModel()), base),
          inputs,
          targets(tensor),
          !plan.keepsNonFinite(),
          merged.isMask());
    }

    /** The tensor's own, and those of the tensors that are tied to it. */
    List<Work.Target> targets(int tensor) {
      List<Work.Target> found = new ArrayList<>();
      found.add(target(plan.tensors().get(tensor)));
      found.addAll(tied.getOrDefault(tensor, List.of()));
      return found;
    }

    private Work.Target target(PlannedTensor tensor) {
      return Objects.requireNonNull(targets.get(tensor.output().name()), tensor.output().name());
    }

    private static TensorView view(ModelDir dir, TensorSpec spec) {
      return new TensorView(spec, location(dir, spec.name()));
    }
  }

  private static TensorLocation location(ModelDir dir, String name) {
    TensorLocation location = dir.tensors().get(name);
    if (location == null) {
      throw new IllegalStateException(dir.path() + " has no " + name);
    }
    return location;
  }

  /** What the surveys of a scope depend on. */
  private record SurveyKey(String method, long seed, List<Object> tensors) {}

  private static SurveyKey key(Lane lane) {
    List<Object> tensors = new ArrayList<>();
    for (int tensor : lane.tensors()) {
      Work.Place place = lane.outputs().place(tensor);
      tensors.add(place.sources());
      tensors.add(place.merge().forSurveys(lane.outputs().method.spec()));
      tensors.add(place.checkFinite());
    }
    return new SurveyKey(lane.outputs().plan.method(), lane.outputs().plan.seed(), tensors);
  }

  /** Sorts the merged tensors of one merge into groups; matrices are read by each alone. */
  private void lanes(Outputs o, Map<Group, List<Lane>> lanes, Map<String, List<Work>> matrices) {
    for (List<Integer> tensors : o.plan.scopes()) {
      MergeScope scope =
          new MergeScope(
              o.plan.seed(),
              tensors.stream().map(i -> ((Merged) o.plan.tensors().get(i)).merge()).toList());
      if (o.merge.isMatrix(tensors.get(0))) {
        String name = scope.tensors().get(0).output().name();
        matrices
            .computeIfAbsent(name, n -> new ArrayList<>())
            .add(matrix(o, (MatrixMethod) o.method, tensors.get(0)));
        continue;
      }
      MergeState state = begin(o.method, scope);
      for (int member = 0; member < tensors.size(); member++) {
        TensorSpec output = scope.tensors().get(member).output();
        lanes
            .computeIfAbsent(new Group(output.name(), output.elements()), g -> new ArrayList<>())
            .add(new Lane(o, scope, tensors, member, state));
      }
    }
  }

  /** The beginning of a merge that is no matrix's. */
  static MergeState begin(MergeMethod method, MergeScope scope) {
    return method instanceof ElementwiseMethod m
        ? m.begin(scope)
        : ((MatrixMethod) method).rest(scope);
  }

  private static Work matrix(Outputs o, MatrixMethod method, int tensor) {
    Work.Place place = o.place(tensor);
    return new Work.WholeMatrix(
        o.plan.method(), LinAlgRegistry.get().name(), place, method.reads(place.merge()));
  }

  private void elementwise(
      List<Lane> lanes, Map<ScopeId, Integer> numbers, Map<SurveyKey, Integer> leaders) {
    List<Work.Place> places = lanes.stream().map(Lane::place).toList();
    long elements = places.get(0).merge().elements();
    long width = Work.width(places.stream());
    boolean surveyed = lanes.stream().anyMatch(l -> l.state().survey().isPresent());
    boolean alone = lanes.stream().allMatch(l -> l.tensors().size() == 1);
    if (surveyed && alone && fitsOneTask(elements * width)) {
      whole.add(wholeTensor(lanes, places, elements * width));
      return;
    }
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < places.size(); i++) {
      Lane lane = lanes.get(i);
      ScopeId id = new ScopeId(lane.outputs().index, lane.tensors().get(0));
      int scope = numbers.computeIfAbsent(id, s -> addScope(lane, leaders));
      parts.add(new Part(scope, lane.member(), places.get(i)));
    }
    groups.add(new CutGroup(parts, elements, width));
  }

  private int addScope(Lane lane, Map<SurveyKey, Integer> leaders) {
    int scope = scopes.size();
    // Alone, or without a survey, there is nobody to share it with.
    boolean shares = outputs.size() > 1 && lane.state().survey().isPresent();
    Integer leader = shares ? leaders.putIfAbsent(key(lane), scope) : null;
    scopes.add(new CutScope(lane.outputs().index, lane.tensors(), leader == null ? scope : leader));
    states.add(lane.state());
    return scope;
  }

  private Work wholeTensor(List<Lane> lanes, List<Work.Place> places, long bytes) {
    Map<SurveyKey, Integer> leaders = new HashMap<>();
    List<Work.WholeShare> shares = new ArrayList<>();
    int reads = 1;
    for (int i = 0; i < places.size(); i++) {
      Lane lane = lanes.get(i);
      Integer leader = places.size() > 1 ? leaders.putIfAbsent(key(lane), i) : null;
      shares.add(
          new Work.WholeShare(
              lane.outputs().plan.method(),
              lane.scope(),
              places.get(i),
              leader == null ? i : leader));
      reads = Math.max(reads, reads(lane));
    }
    return new Work.WholeTensor(shares, bytes * reads);
  }

  private static int reads(Lane lane) {
    return lane.outputs().method instanceof ElementwiseMethod m ? m.reads(lane.scope()) : 1;
  }

  private boolean fitsOneTask(long bytes) {
    long input = outputs.stream().mapToLong(o -> o.plan.inputBytes()).max().orElseThrow();
    long fairShare = input / (2L * parallelism);
    return bytes <= Math.max(cut.spanBytes(), Math.min(cut.wholeBytes(), fairShare));
  }

  /** What is carried over as it is: read once for all outputs that want it. */
  private void copies() {
    Map<TensorLocation, List<Work.Copy>> bySource = new LinkedHashMap<>();
    for (Outputs o : outputs) {
      for (int i = 0; i < o.plan.tensors().size(); i++) {
        if (o.plan.tensors().get(i) instanceof Copied c) {
          bySource
              .computeIfAbsent(
                  location(o.merge.models().get(c.model()), c.source().name()),
                  s -> new ArrayList<>())
              .add(new Work.Copy(o.index, i, o.targets(i)));
        }
      }
    }
    bySource.forEach(this::copy);
  }

  private void copy(TensorLocation source, List<Work.Copy> to) {
    long size = source.spec().byteSize();
    long grain = (long) Span.GRAIN * Worker.grainWidth(source.spec().dtype());
    long piece = Math.max(1, cut.spanBytes() / grain) * grain;
    for (long at = 0; at < size; at += piece) {
      copies.add(new Work.CopyBytes(to, source, at, Math.min(piece, size - at)));
    }
  }

  /** The scopes that are cut over tasks: their states, as far as they have come. */
  List<MergeState> states() {
    return states;
  }

  /** The surveys that these scopes need next; empty when all can be written. */
  List<Work> surveys() {
    List<Work> work = new ArrayList<>();
    for (CutGroup group : groups) {
      List<Work.Share> shares = new ArrayList<>();
      for (Part p : group.parts()) {
        boolean leads = scopes.get(p.scope()).leader() == p.scope();
        if (leads && states.get(p.scope()).survey().isPresent()) {
          shares.add(new Work.Share(p.scope(), p.member(), p.place(), !checked.get(p.scope())));
        }
      }
      if (!shares.isEmpty()) {
        long width = Work.width(shares.stream().map(Work.Share::place));
        each(group, (at, n) -> work.add(new Work.SurveySpan(shares, at, n, n * width)));
      }
    }
    for (int s = 0; s < states.size(); s++) {
      Optional<Survey> survey = states.get(s).survey();
      checked.set(s, checked.get(s) || (survey.isPresent() && survey.get().isComplete()));
    }
    return work;
  }

  /** Goes on with what a round of surveys has found. */
  void conclude(List<Work.Surveyed> found) {
    Map<Integer, List<MergeState.Part>> byScope = new TreeMap<>();
    found.forEach(f -> byScope.computeIfAbsent(f.scope(), s -> new ArrayList<>()).add(f.part()));
    byScope.values().forEach(parts -> parts.sort(Comparator.comparing(MergeState.Part::span)));
    for (int s = 0; s < states.size(); s++) {
      List<MergeState.Part> parts = byScope.get(scopes.get(s).leader());
      Optional<Survey> survey = states.get(s).survey();
      if (parts != null && survey.isPresent()) {
        states.set(s, survey.get().conclude(List.copyOf(parts)));
      }
    }
  }

  /** Goes on with what emissions have found. */
  void written(List<Work.Emitted> emitted) {
    List<Work.Emitted> finding = emitted.stream().filter(e -> e.part() != null).toList();
    for (int s = 0; s < states.size(); s++) {
      CutScope scope = scopes.get(s);
      List<MergeState.Part> parts =
          finding.stream()
              .filter(e -> e.output() == scope.output() && scope.tensors().contains(e.tensor()))
              .flatMap(e -> Stream.ofNullable(e.part()))
              .sorted(Comparator.comparing(MergeState.Part::span))
              .toList();
      states.set(s, states.get(s).written(parts));
    }
  }

  /** Everything that writes. */
  List<Work> emissions() {
    List<Work> work = new ArrayList<>(whole);
    for (CutGroup group : groups) {
      List<Work.Share> shares =
          group.parts().stream()
              .map(p -> new Work.Share(p.scope(), p.member(), p.place(), !checked.get(p.scope())))
              .toList();
      each(group, (at, n) -> work.add(new Work.EmitSpan(shares, at, n, n * group.width())));
    }
    work.addAll(copies);
    return work;
  }

  @FunctionalInterface
  private interface SpanUse {
    void of(long at, long count);
  }

  /** The spans of a group: the same in every read, for a state may count by them. */
  private void each(CutGroup group, SpanUse use) {
    // A grain of a mask's bytes is eight of its elements.
    boolean anyMask = group.parts().stream().anyMatch(p -> p.place().isMask());
    long unit = (long) Span.GRAIN * (anyMask ? Byte.SIZE : 1);
    long step = Math.max(1, cut.spanBytes() / (group.width() * unit)) * unit;
    for (long at = 0; at < group.elements(); at += step) {
      use.of(at, Math.min(step, group.elements() - at));
    }
  }

  /** What was decided for the tensors of one merge's scopes that were cut over tasks. */
  Map<Integer, Map<String, Object>> decisions(int output) {
    Map<Integer, Map<String, Object>> decisions = new HashMap<>();
    for (int s = 0; s < scopes.size(); s++) {
      if (scopes.get(s).output() == output) {
        List<Integer> tensors = scopes.get(s).tensors();
        for (int t = 0; t < tensors.size(); t++) {
          decisions.put(tensors.get(t), states.get(s).decisions(t));
        }
      }
    }
    return decisions;
  }

  /**
   * Packs work into tasks of about equal size, the largest first so that none is left for last;
   * small neighbours stay together. A matrix is a task of its own: its time is not in its bytes.
   */
  List<List<Work>> tasks(List<Work> work) {
    long total = work.stream().mapToLong(Work::bytes).sum();
    long target = Math.max(1, Math.min(4 * cut.spanBytes(), total / (4L * parallelism)));
    List<List<Work>> tasks = new ArrayList<>();
    long filled = target;
    for (Work w : work) {
      if (filled + w.bytes() > target || w instanceof Work.WholeMatrix) {
        tasks.add(new ArrayList<>());
        filled = 0;
      }
      tasks.get(tasks.size() - 1).add(w);
      filled = w instanceof Work.WholeMatrix ? target : filled + w.bytes();
    }
    tasks.sort(Comparator.comparingLong(WorkPlan::bytes).reversed());
    return tasks;
  }

  static long bytes(List<Work> task) {
    return task.stream().mapToLong(Work::bytes).sum();
  }
}
