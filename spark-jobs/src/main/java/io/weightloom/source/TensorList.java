package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.TensorLocation;
import io.weightloom.source.BlockColumn.Kind;
import io.weightloom.source.TensorBlocks.Input;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.GlobPattern;
import org.jspecify.annotations.Nullable;

/** Chooses the tensors that a scan reads, by what headers say. */
final class TensorList {
  private static final int MAX_SHOWN = 20;

  private final SourceOptions options;
  private final HeaderFilter filter;
  private final Predicate<String> named;

  TensorList(SourceOptions options, HeaderFilter filter) {
    this.options = options;
    this.filter = filter;
    Optional<GlobPattern> glob = options.tensors().map(SourceOptions::compiled);
    this.named = name -> glob.map(g -> g.matches(name)).orElse(true);
  }

  /**
   * The tensors that may have rows which pass, in natural order of their names.
   *
   * @throws WeightloomException of kind INPUT if aligned models are not alike
   */
  List<TensorBlocks> of(List<SourceModel> models) {
    List<TensorBlocks> tensors = options.aligned() ? aligned(models) : single(models);
    return tensors.stream().filter(t -> !filter.test(t.facts(null)).excludes()).toList();
  }

  private List<TensorBlocks> single(List<SourceModel> models) {
    List<TensorBlocks> tensors = new ArrayList<>();
    boolean some = false;
    for (SourceModel model : models) {
      if (filter.test(facts(model)).excludes()) {
        some = true;
        continue;
      }
      for (TensorLocation location : model.dir().tensors().values()) {
        if (named.test(location.spec().name())) {
          tensors.add(TensorBlocks.of(List.of(input(model, location)), options.blockElements()));
        }
      }
    }
    if (tensors.isEmpty() && !some) {
      requireMatch(models);
    }
    // Stable: a tensor's models stay in the order in which they were named.
    tensors.sort(Comparator.comparing(TensorBlocks::name, TensorName.NATURAL_ORDER));
    return tensors;
  }

  /** Before a model is opened no more is known than how it is called. */
  private static HeaderFilter.Facts facts(SourceModel model) {
    return new HeaderFilter.Facts() {
      @Override
      public boolean knows(BlockColumn column) {
        return column.kind() == Kind.MODEL || column.kind() == Kind.REVISION;
      }

      @Override
      public @Nullable Object value(BlockColumn column) {
        return TensorBlocks.text(column.kind() == Kind.MODEL ? model.name() : model.revision());
      }
    };
  }

  private static Input input(SourceModel model, TensorLocation location) {
    return new Input(model.name(), model.revision(), location);
  }

  private void requireMatch(List<SourceModel> models) {
    Optional<String> glob = options.tensors();
    Optional<String> first =
        models.stream().flatMap(m -> m.dir().tensors().keySet().stream()).findFirst();
    if (glob.isPresent() && first.isPresent()) {
      throw WeightloomException.usage(
          "Cannot read %s: no tensor's name matches option tensors, %s (names look like %s)"
              .formatted(
                  models.stream().map(SourceModel::name).collect(Collectors.joining(", ")),
                  glob.get(),
                  first.get()));
    }
  }

  private List<TensorBlocks> aligned(List<SourceModel> models) {
    Map<String, List<Input>> found = new TreeMap<>(TensorName.NATURAL_ORDER);
    for (SourceModel model : models) {
      model
          .dir()
          .tensors()
          .forEach(
              (name, location) -> {
                if (named.test(name)) {
                  found.computeIfAbsent(name, n -> new ArrayList<>()).add(input(model, location));
                }
              });
    }
    if (found.isEmpty()) {
      requireMatch(models);
    }
    List<TensorBlocks> tensors = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    found.forEach(
        (name, inputs) -> {
          Optional<String> problem = unlike(name, inputs, models);
          if (problem.isEmpty()) {
            tensors.add(TensorBlocks.of(inputs, options.blockElements()));
          } else {
            problems.add(problem.get());
          }
        });
    if (!problems.isEmpty() && !options.skipMissing()) {
      throw unlike(problems);
    }
    return tensors;
  }

  /** Why the tensors of one name cannot share rows. */
  private static Optional<String> unlike(
      String name, List<Input> inputs, List<SourceModel> models) {
    if (inputs.size() < models.size()) {
      List<String> have = inputs.stream().map(Input::model).toList();
      return Optional.of(
          name
              + " is not in "
              + models.stream()
                  .map(SourceModel::name)
                  .filter(m -> !have.contains(m))
                  .collect(Collectors.joining(", ")));
    }
    Shape shape = inputs.get(0).spec().shape();
    boolean narrow = isNarrow(inputs.get(0));
    return inputs.stream().allMatch(i -> i.spec().shape().equals(shape) && isNarrow(i) == narrow)
        ? Optional.empty()
        : Optional.of(
            name
                + inputs.stream()
                    .map(
                        i -> "%s %s in %s".formatted(i.spec().dtype(), i.spec().shape(), i.model()))
                    .collect(Collectors.joining(", ", " is ", "")));
  }

  /** Elements narrower than a byte are cut in their own way. */
  private static boolean isNarrow(Input input) {
    return input.spec().dtype().bits() % 8 != 0;
  }

  private static WeightloomException unlike(List<String> problems) {
    StringBuilder list = new StringBuilder();
    problems.stream().limit(MAX_SHOWN).forEach(p -> list.append("\n  - ").append(p));
    if (problems.size() > MAX_SHOWN) {
      list.append("\n  - and ").append(problems.size() - MAX_SHOWN).append(" more");
    }
    return WeightloomException.input(
        "Cannot align the models: their tensors differ (leave those out by option missing=skip, or choose others by option tensors):%s"
            .formatted(list));
  }
}
