package io.weightloom.plan;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.BundlePart;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeMethod.Yield;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.Numerics;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.plan.MergePlan.SideTableInfo;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.recipe.Policies;
import io.weightloom.recipe.Recipe;
import io.weightloom.recipe.RecipeProblem;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Makes the plan of a merge, or says everything that is wrong with it: first all problems of the
 * recipe, then all of the models.
 */
public final class MergePlanner {
  private static final int SHOWN = 20;

  private final Recipe recipe;
  private final Numerics numerics;
  private final long seed;
  private final MergeMethod method;
  private final MethodSpec spec;
  private final List<ModelInfo> models;
  private final Map<String, Integer> indexByReference = new LinkedHashMap<>();
  private final Set<RecipeProblem> recipeProblems = new LinkedHashSet<>();
  private final Set<String> inputProblems = new LinkedHashSet<>();
  private final Set<String> warnings = new LinkedHashSet<>();
  private final List<String> maskNames;
  private final List<SideTableInfo> sideTables;
  private final SideInputs sideInputs;
  private final Policies policies;
  private final ShapePolicy shapePolicy;
  private final Map<String, String> treated = new TreeMap<>(TensorName.NATURAL_ORDER);

  /**
   * What is planned for.
   *
   * @param numerics how to round
   * @param seed of the random masks
   * @param shardBytes most bytes of tensors in a file of the output
   */
  public record Options(Numerics numerics, long seed, long shardBytes) {
    /** Hugging Face's limit of 5 GB. */
    public static final long SHARD_BYTES = 5_000_000_000L;
  }

  private MergePlanner(
      Recipe recipe,
      Map<String, ModelInfo> byReference,
      List<SideTableInfo> sideTables,
      Options options) {
    this.recipe = recipe;
    this.numerics = options.numerics();
    this.seed = options.seed();
    this.method = MergeMethods.named(recipe.method()).orElseThrow();
    this.spec = method.spec();
    Map<String, ModelInfo> byLocation = new LinkedHashMap<>();
    byReference.values().forEach(m -> byLocation.putIfAbsent(m.location(), m));
    this.models = List.copyOf(byLocation.values());
    List<String> locations = List.copyOf(byLocation.keySet());
    byReference.forEach((ref, m) -> indexByReference.put(ref, locations.indexOf(m.location())));
    this.maskNames = maskNames(models);
    this.sideTables = List.copyOf(sideTables);
    this.sideInputs = new SideInputs(spec, sideTables, inputProblems);
    this.policies = recipe.policies();
    this.shapePolicy =
        new ShapePolicy(
            policies.mismatched(),
            spec.minModels(),
            models,
            d -> eachModel(d, TensorSpec::shape),
            inputProblems);
    recipeProblems.addAll(SideInputs.problems(recipe, spec));
    if (policies.missing() == Policies.Missing.KEEP_BASE && recipe.base().isEmpty()) {
      recipeProblems.add(
          new RecipeProblem(
              "weightloom.missing", "keep-base needs a base model (add base_model:)"));
    }
  }

  /** The references that a recipe makes, each once, in order. */
  public static Collection<String> references(Recipe recipe) {
    Set<String> references = new LinkedHashSet<>();
    recipe.base().ifPresent(references::add);
    recipe.models().forEach(m -> references.add(m.model()));
    recipe.slices().forEach(s -> s.base().ifPresent(references::add));
    recipe.slices().forEach(s -> s.sources().forEach(m -> references.add(m.model())));
    return references;
  }

  /**
   * Plans a merge.
   *
   * @param models what each reference of the recipe stands for
   * @param sideTables what {@link Recipe#sideTables} names
   * @throws WeightloomException listing all problems
   */
  public static MergePlan plan(
      Recipe recipe,
      Map<String, ModelInfo> models,
      List<SideTableInfo> sideTables,
      Options options) {
    return new MergePlanner(recipe, models, sideTables, options).plan(options.shardBytes());
  }

  private MergePlan plan(long shardBytes) {
    OutputTensors outputs =
        new OutputTensors(
            recipe, spec, numerics, models, indexByReference, recipeProblems, inputProblems);
    List<TensorDraft> drafts = outputs.drafts();
    if (method instanceof MatrixMethod && numerics == Numerics.MERGEKIT) {
      recipeProblems.add(
          new RecipeProblem(
              "merge_method",
              "mergekit has no %s, so there is no rounding of it to match (use --numerics accurate)"
                  .formatted(spec.name())));
    }
    throwIfWrong();
    warnings.addAll(outputs.warnings());
    ParamResolver resolver = new ParamResolver(recipe, spec, recipeProblems);
    TiedGroups tied = new TiedGroups(policies.tied(), drafts, recipeProblems, inputProblems);
    treated.putAll(outputs.leftOut());
    List<PlannedTensor> tensors = new ArrayList<>();
    for (TensorDraft draft : drafts) {
      if (!tied.isTied(draft.name())) {
        planned(draft, resolver).ifPresent(tensors::add);
      }
    }
    throwIfWrong();
    tied.expand(tensors);
    List<List<Integer>> scopes = scopes(tensors);
    throwIfWrong();
    List<TensorSpec> specs = tensors.stream().map(PlannedTensor::output).toList();
    Set<DType> dtypes =
        tensors.stream()
            .filter(t -> t instanceof Merged)
            .map(t -> t.output().dtype())
            .collect(Collectors.toSet());
    return new MergePlan(
        spec.name(),
        ParamResolver.variant(recipe, spec),
        numerics,
        seed,
        models,
        sideTables,
        outputs.donor(),
        tensors,
        scopes,
        reads(tensors, scopes),
        ShardLayout.of(specs, shardBytes),
        dtypes.size() == 1 ? dtypes.stream().findFirst() : Optional.empty(),
        outputs.layers(),
        recipe.keepsNonFinite(),
        Collections.unmodifiableMap(treated),
        List.copyOf(warnings));
  }

  private Optional<PlannedTensor> planned(TensorDraft draft, ParamResolver resolver) {
    Optional<TensorDraft> fitting = shapePolicy.fit(draft);
    fitting.filter(d -> !d.note().isEmpty()).ifPresent(d -> treated.put(d.name(), d.note()));
    return fitting.flatMap(d -> fitting(d, resolver));
  }

  private Optional<PlannedTensor> fitting(TensorDraft draft, ParamResolver resolver) {
    List<TensorSpec> specs = new ArrayList<>();
    TensorSpec base = draft.base();
    if (base != null) {
      specs.add(base);
    }
    specs.addAll(draft.inputs());
    TensorSpec first = specs.get(0);
    if (base != null && draft.inputs().isEmpty()) {
      return Optional.of(
          new Copied(
              new TensorSpec(draft.name(), base.dtype(), base.shape()),
              draft.baseModel(),
              base,
              draft.note()));
    }
    if (specs.stream().noneMatch(s -> s.dtype().isComputed())) {
      if (policies.nonFloat() == Policies.NonFloat.ERROR) {
        inputProblems.add(
            "%s is %s, which is not computed on (weightloom: {non_float: copy} takes it as it is)"
                .formatted(draft.name(), first.dtype()));
        return Optional.empty();
      }
      int model = base != null ? draft.baseModel() : draft.models().get(0);
      return Optional.of(
          new Copied(
              new TensorSpec(draft.name(), first.dtype(), first.shape()),
              model,
              first,
              first.dtype() + " is not computed on, taken from " + models.get(model).reference()));
    }
    if (!mixes(draft, specs)) {
      return Optional.empty();
    }
    Params params =
        resolver.resolve(
            draft.slice(),
            draft.sources(),
            draft.inputs().stream().map(TensorSpec::name).toList(),
            draft.name(),
            draft.position());
    if (params.global().containsValue(Double.NaN)
        || params.perModel().values().stream().anyMatch(v -> v.contains(Double.NaN))) {
      return Optional.empty();
    }
    method
        .problem(params)
        .ifPresent(why -> recipeProblems.add(new RecipeProblem(draft.slice().path(), why)));
    if (BundlePart.isMask(params) && BundlePart.maskOf(params) >= draft.inputs().size()) {
      recipeProblems.add(
          new RecipeProblem(
              "weightloom.mask_of",
              "there is no model %d, they count from 0 to %d"
                  .formatted(BundlePart.maskOf(params), draft.inputs().size() - 1)));
      return Optional.empty();
    }
    Merged merged = merged(draft, first, params);
    method.warning(merged.merge()).ifPresent(warnings::add);
    return Optional.of(merged);
  }

  private Merged merged(TensorDraft draft, TensorSpec first, Params params) {
    DType compute = recipe.dtype().orElse(first.dtype());
    DType stored = recipe.outDtype().orElse(compute);
    List<TensorMerge.Input> inputs =
        IntStream.range(0, draft.inputs().size())
            .mapToObj(
                k ->
                    new TensorMerge.Input(
                        maskNames.get(draft.models().get(k)), draft.inputs().get(k)))
            .toList();
    List<SideInputs.Picked> sides = sideInputs.of(draft);
    return new Merged(
        new TensorMerge(
            new TensorSpec(draft.name(), stored, first.shape()),
            draft.base(),
            inputs,
            compute,
            numerics,
            params,
            sides.stream().map(SideInputs.Picked::side).toList()),
        draft.baseModel(),
        draft.models(),
        sides.stream().map(SideInputs.Picked::table).toList(),
        method.yields(params) == Yield.MASK);
  }

  private boolean mixes(TensorDraft draft, List<TensorSpec> specs) {
    boolean allComputed = specs.stream().allMatch(s -> s.dtype().isComputed());
    boolean oneDtype = specs.stream().map(TensorSpec::dtype).distinct().count() == 1;
    if (!allComputed || (!oneDtype && recipe.dtype().isEmpty())) {
      inputProblems.add(
          "%s differs in dtype: %s%s"
              .formatted(
                  draft.name(),
                  eachModel(draft, TensorSpec::dtype),
                  allComputed ? " (set dtype: in the recipe)" : ""));
      return false;
    }
    return true;
  }

  private String eachModel(
      TensorDraft draft, java.util.function.Function<TensorSpec, Object> what) {
    List<String> all = new ArrayList<>();
    TensorSpec base = draft.base();
    if (base != null) {
      all.add(models.get(draft.baseModel()).reference() + " has " + what.apply(base));
    }
    for (int k = 0; k < draft.inputs().size(); k++) {
      all.add(
          models.get(draft.models().get(k)).reference()
              + " has "
              + what.apply(draft.inputs().get(k)));
    }
    return String.join(", ", all);
  }

  private List<List<Integer>> scopes(List<PlannedTensor> tensors) {
    List<Integer> merged =
        IntStream.range(0, tensors.size())
            .filter(i -> tensors.get(i) instanceof Merged)
            .boxed()
            .toList();
    if (merged.isEmpty() || !isWholeModel(tensors, merged)) {
      return merged.stream().map(List::of).toList();
    }
    requireOneRule(tensors, merged);
    return List.of(merged);
  }

  private boolean isWholeModel(List<PlannedTensor> tensors, List<Integer> merged) {
    return method instanceof ElementwiseMethod m
        && m.isWholeModel(mergeAt(tensors, merged.get(0)).params());
  }

  /** One threshold for the model means one density a model and one kind of number. */
  private void requireOneRule(List<PlannedTensor> tensors, List<Integer> merged) {
    long widths = merged.stream().map(i -> mergeAt(tensors, i).isDouble()).distinct().count();
    long densities =
        merged.stream()
            .map(i -> mergeAt(tensors, i).params().perModel().get("density"))
            .filter(Objects::nonNull)
            .distinct()
            .count();
    if (densities > 1) {
      recipeProblems.add(
          new RecipeProblem(
              "weightloom.scope",
              "model-wide statistics need one density a model (remove gradients and filters)"));
    }
    if (merged.stream().map(i -> mergeAt(tensors, i).inputs().size()).distinct().count() > 1) {
      recipeProblems.add(
          new RecipeProblem(
              "weightloom.scope",
              "model-wide statistics need every model in every tensor (set missing: and mismatched:"
                  + " to other policies than skip-model)"));
    }
    if (widths > 1) {
      inputProblems.add("model-wide statistics need all tensors to be F64 or none");
    }
  }

  private static TensorMerge mergeAt(List<PlannedTensor> tensors, int index) {
    return ((Merged) tensors.get(index)).merge();
  }

  private int reads(List<PlannedTensor> tensors, List<List<Integer>> scopes) {
    if (method instanceof MatrixMethod m) {
      return scopes.stream()
          .map(s -> mergeAt(tensors, s.get(0)))
          .mapToInt(t -> m.isMatrix(t) ? m.reads(t) : 1)
          .max()
          .orElse(1);
    }
    return method instanceof ElementwiseMethod m
        ? scopes.stream()
            .mapToInt(
                s ->
                    m.reads(
                        new MergeScope(seed, s.stream().map(i -> mergeAt(tensors, i)).toList())))
            .max()
            .orElse(1)
        : 1;
  }

  /**
   * Names that key the random masks: the last part of each reference, so that a zoo may move, with
   * its place in the recipe where two are called the same.
   */
  private static List<String> maskNames(List<ModelInfo> models) {
    List<String> last =
        models.stream()
            .map(m -> m.reference().replaceFirst("/+$", ""))
            .map(MergePlanner::last)
            .toList();
    return IntStream.range(0, last.size())
        .mapToObj(
            i ->
                last.stream().filter(last.get(i)::equals).count() == 1
                    ? last.get(i)
                    : last.get(i) + "#" + i)
        .toList();
  }

  private static String last(String reference) {
    return reference.substring(reference.lastIndexOf('/') + 1);
  }

  private void throwIfWrong() {
    if (!recipeProblems.isEmpty()) {
      throw problems(recipeProblems);
    }
    if (!inputProblems.isEmpty()) {
      throw WeightloomException.input(
          "Cannot merge with %s: %s".formatted(spec.name(), listed(inputProblems, "models")));
    }
  }

  /** One error for all problems of a recipe. */
  public static WeightloomException problems(Collection<RecipeProblem> problems) {
    return WeightloomException.usage("Cannot use the recipe: " + listed(problems, "recipe"));
  }

  private static String listed(Collection<?> problems, String of) {
    if (problems.size() == 1) {
      return String.valueOf(problems.iterator().next());
    }
    String shown =
        problems.stream().limit(SHOWN).map(p -> "\n  - " + p).collect(Collectors.joining());
    int more = problems.size() - SHOWN;
    return "%d problems of the %s%s%s"
        .formatted(problems.size(), of, shown, more > 0 ? "\n  - and " + more + " more" : "");
  }
}
