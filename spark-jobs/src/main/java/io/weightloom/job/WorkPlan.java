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
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.plan.PlannedTensor.Merged;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Cuts a prepared merge into work. A tensor with statistics of its own is done by one task from
 * first read to last, unless it is too large a share of the whole; then, and for statistics of the
 * whole model, spans are surveyed by many tasks, round after round. Which of the two never shows in
 * the output.
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

  private final PreparedMerge merge;
  private final MergeMethod method;
  private final int parallelism;
  private final Cut cut;
  private final Map<String, Long> begins = new HashMap<>();
  private final Map<String, String> files = new HashMap<>();
  private final List<MergeState> states = new ArrayList<>();
  private final List<List<Integer>> scopes = new ArrayList<>();
  private final List<Work> whole = new ArrayList<>();

  /** Scopes whose values a full read has checked. */
  private final BitSet checked = new BitSet();

  private final List<Work> copies = new ArrayList<>();

  WorkPlan(PreparedMerge merge, OutputDir output, int parallelism, Cut cut) {
    this.merge = merge;
    this.parallelism = parallelism;
    this.cut = cut;
    this.method = MergeMethods.named(merge.plan().method()).orElseThrow();
    for (int i = 0; i < merge.layouts().size(); i++) {
      SafetensorsLayout layout = merge.layouts().get(i);
      String file = output.path(merge.plan().shards().get(i).file()).toString();
      for (StoredTensor t : layout.tensors()) {
        begins.put(t.spec().name(), t.begin());
        files.put(t.spec().name(), file);
      }
    }
    cut();
  }

  private void cut() {
    MergePlan plan = merge.plan();
    for (List<Integer> tensors : plan.scopes()) {
      MergeScope scope =
          new MergeScope(
              plan.seed(), tensors.stream().map(i -> ((Merged) tensor(i)).merge()).toList());
      if (method instanceof ElementwiseMethod m) {
        elementwise(m, scope, tensors);
      } else if (method instanceof MatrixMethod m) {
        matrix(m, scope, tensors);
      }
    }
    for (int i = 0; i < plan.tensors().size(); i++) {
      if (tensor(i) instanceof Copied copied) {
        copy(i, copied);
      }
    }
  }

  private void elementwise(ElementwiseMethod m, MergeScope scope, List<Integer> tensors) {
    MergeState state = m.begin(scope);
    if (state.survey().isPresent() && tensors.size() == 1 && fitsOneTask(tensors.get(0))) {
      whole.add(
          new Work.WholeTensor(
              merge.plan().method(), scope, place(tensors.get(0)), m.reads(scope)));
    } else {
      scopes.add(tensors);
      states.add(state);
    }
  }

  private void matrix(MatrixMethod m, MergeScope scope, List<Integer> tensors) {
    TensorMerge tensor = scope.tensors().get(0);
    if (merge.isMatrix(tensors.get(0))) {
      whole.add(
          new Work.WholeMatrix(
              merge.plan().method(),
              LinAlgRegistry.get().name(),
              place(tensors.get(0)),
              m.reads(tensor)));
    } else {
      scopes.add(tensors);
      states.add(m.rest(scope));
    }
  }

  private boolean fitsOneTask(int tensor) {
    long fairShare = merge.plan().inputBytes() / (2L * parallelism);
    return tensor(tensor).inputBytes()
        <= Math.max(cut.spanBytes(), Math.min(cut.wholeBytes(), fairShare));
  }

  private PlannedTensor tensor(int index) {
    return merge.plan().tensors().get(index);
  }

  private Work.Place place(int index) {
    Merged merged = (Merged) tensor(index);
    List<TensorLocation> inputs = new ArrayList<>();
    for (int k = 0; k < merged.models().size(); k++) {
      String name = merged.merge().inputs().get(k).spec().name();
      inputs.add(location(merge.models().get(merged.models().get(k)), name));
    }
    for (int s = 0; s < merged.sides().size(); s++) {
      String name = merged.merge().sides().get(s).spec().name();
      inputs.add(location(merge.sideTables().get(merged.sides().get(s)), name));
    }
    var base = merged.merge().base();
    String name = merged.output().name();
    return new Work.Place(
        index,
        merged.merge(),
        base == null ? null : location(merge.models().get(merged.baseModel()), base.name()),
        inputs,
        file(name),
        begin(name));
  }

  private static TensorLocation location(ModelDir dir, String name) {
    TensorLocation location = dir.tensors().get(name);
    if (location == null) {
      throw new IllegalStateException(dir.path() + " has no " + name);
    }
    return location;
  }

  private String file(String tensor) {
    return java.util.Objects.requireNonNull(files.get(tensor), tensor);
  }

  private long begin(String tensor) {
    return java.util.Objects.requireNonNull(begins.get(tensor), tensor);
  }

  private void copy(int index, Copied copied) {
    long size = copied.source().byteSize();
    long grain = (long) Span.GRAIN * Worker.grainWidth(copied.source().dtype());
    long piece = Math.max(1, cut.spanBytes() / grain) * grain;
    TensorLocation source = location(merge.models().get(copied.model()), copied.source().name());
    String name = copied.output().name();
    for (long at = 0; at < size; at += piece) {
      copies.add(
          new Work.CopyBytes(
              index, source, file(name), begin(name), at, Math.min(piece, size - at)));
    }
  }

  /** The scopes that are cut over tasks: their states, as far as they have come. */
  List<MergeState> states() {
    return states;
  }

  /** The surveys that these scopes need next; empty when all can be written. */
  List<Work> surveys() {
    List<Work> work = new ArrayList<>();
    for (int s = 0; s < scopes.size(); s++) {
      Optional<Survey> survey = states.get(s).survey();
      if (survey.isPresent()) {
        boolean first = !checked.get(s);
        each(s, (scope, place, span) -> work.add(new Work.SurveySpan(scope, place, span, first)));
        checked.set(s, checked.get(s) || survey.get().isComplete());
      }
    }
    return work;
  }

  /** Everything that writes. */
  List<Work> emissions() {
    List<Work> work = new ArrayList<>(whole);
    for (int s = 0; s < scopes.size(); s++) {
      boolean surveyed = checked.get(s);
      each(s, (scope, place, span) -> work.add(new Work.EmitSpan(scope, place, span, surveyed)));
    }
    work.addAll(copies);
    return work;
  }

  @FunctionalInterface
  private interface SpanUse {
    void of(int scope, Work.Place place, Span span);
  }

  private void each(int scope, SpanUse use) {
    for (int t = 0; t < scopes.get(scope).size(); t++) {
      Work.Place place = place(scopes.get(scope).get(t));
      spans(t, place).forEach(span -> use.of(scope, place, span));
    }
  }

  /** What scope and place in it a tensor of the plan has; for decisions. */
  List<List<Integer>> scopes() {
    return scopes;
  }

  private List<Span> spans(int tensor, Work.Place place) {
    long elements = place.merge().elements();
    long grains = Math.max(1, cut.spanBytes() / (place.width() * Span.GRAIN));
    int whole = PackedMasks.isPacked(place.merge()) ? PackedMasks.SPAN_GRAINS : 1;
    long step = (grains + whole - 1) / whole * whole * Span.GRAIN;
    List<Span> spans = new ArrayList<>();
    for (long first = 0; first < elements; first += step) {
      spans.add(new Span(tensor, first, Math.min(step, elements - first)));
    }
    return spans;
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
