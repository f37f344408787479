package io.weightloom.merge;

import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Kernels;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A merge whose models lie in arrays: what a job does, without files and tasks. Each scope is
 * merged by {@link ScopeInMemory}. For one thread.
 */
final class MergeInMemory {
  private final ElementwiseMethod method;
  private final MethodSpec spec;
  private final Map<String, Object> values = new HashMap<>();
  private final List<TensorData> tensors = new ArrayList<>();
  private String variant;
  private Numerics numerics = Numerics.ACCURATE;
  private DType output = DType.F64;
  private @Nullable DType compute;
  private final Map<String, DType> computeByTensor = new HashMap<>();
  private long seed;
  private Kernels kernels = KernelRegistry.scalar();
  private int block = Arith.CAPACITY;
  private int grains = Integer.MAX_VALUE;
  private @Nullable Long shuffle;
  private boolean checkFinite = true;
  private List<String> names = List.of();
  private DType sideDType = DType.F64;
  private boolean randomSides;
  private final Map<String, Shape> shapes = new HashMap<>();
  private boolean withBase = true;
  private final Map<Integer, Long> bytesRead = new HashMap<>();

  record TensorData(
      String name, @Nullable Stored base, List<Stored> models, List<SideData> sides) {}

  record SideData(SideTable table, Stored stored) {}

  /** Outputs, decisions and counts by tensor, and what the surveys found, as it is sent. */
  record Result(
      List<Stored> outputs,
      List<Map<String, Object>> decisions,
      List<Map<String, long[]>> counts,
      List<byte[]> found,
      int reads) {

    /** By tensor the elements of each model that took part. */
    List<long[]> kept() {
      return counts.stream().map(c -> c.getOrDefault(MergeState.KEPT, new long[0])).toList();
    }

    double[] values(int tensor) {
      return outputs.get(tensor).values();
    }

    /** The values of the only tensor. */
    double[] values() {
      if (outputs.size() != 1) {
        throw new IllegalStateException("there are " + outputs.size() + " tensors");
      }
      return values(0);
    }
  }

  private MergeInMemory(ElementwiseMethod method) {
    this.method = method;
    this.spec = method.spec();
    this.variant = spec.variants().isEmpty() ? "" : spec.variants().get(0).name();
  }

  static MergeInMemory of(String method) {
    return new MergeInMemory((ElementwiseMethod) MergeMethods.named(method).orElseThrow());
  }

  MergeInMemory variant(String name) {
    if (!name.isEmpty() && spec.variants().stream().noneMatch(v -> v.name().equals(name))) {
      throw new IllegalArgumentException(spec.name() + " has no variant " + name);
    }
    variant = name;
    return this;
  }

  /** Sets a parameter: a Double, Boolean or String, or a double[] with a number for each model. */
  MergeInMemory set(String key, Object value) {
    if (spec.parameter(key).isEmpty()) {
      throw new IllegalArgumentException(spec.name() + " has no parameter " + key);
    }
    values.put(key, value);
    return this;
  }

  MergeInMemory tensor(String name, @Nullable Stored base, Stored... models) {
    tensors.add(
        new TensorData(
            name,
            spec.base() == BaseRule.REQUIRED || (spec.base() == BaseRule.OPTIONAL && withBase)
                ? base
                : null,
            List.of(models.clone()),
            List.of()));
    if (randomSides && !spec.sideTables().isEmpty()) {
      int tables =
          spec.sideTables().stream()
              .mapToInt(t -> t.per() == SideTable.Per.MERGE ? 1 : models.length)
              .sum();
      sides(randomTables(models[0].count(), tables));
    }
    return this;
  }

  /** Tables of the last tensor, in the order of the method's: one a model, or one alone. */
  MergeInMemory sides(double[]... tables) {
    int at = 0;
    int models = tensors.get(tensors.size() - 1).models().size();
    for (SideTable table : spec.sideTables()) {
      int end = Math.min(tables.length, at + (table.per() == SideTable.Per.MERGE ? 1 : models));
      sidesOf(table.name(), Arrays.copyOfRange(tables, at, end));
      at = end;
    }
    return this;
  }

  /** Tables of the last tensor for a side table, behind those that it has. */
  MergeInMemory sidesOf(String name, double[]... tables) {
    SideTable table =
        spec.sideTables().stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
    TensorData last = tensors.remove(tensors.size() - 1);
    tensors.add(
        new TensorData(
            last.name(),
            last.base(),
            last.models(),
            Stream.concat(
                    last.sides().stream(),
                    Arrays.stream(tables).map(t -> new SideData(table, Stored.of(sideDType, t))))
                .toList()));
    return this;
  }

  /** Gives every tensor whatever side tables the method reads; a fifth of their values are 0. */
  MergeInMemory randomSides() {
    randomSides = true;
    return this;
  }

  private static double[][] randomTables(int count, int models) {
    Random random = new Random(count);
    double[][] tables = new double[models][count];
    for (double[] table : tables) {
      Arrays.setAll(
          table, i -> random.nextInt(5) == 0 ? 0 : (float) Math.abs(random.nextGaussian()));
    }
    return tables;
  }

  /** The dtype of the side tables; call it before {@link #sides}. */
  MergeInMemory sideDType(DType dtype) {
    sideDType = dtype;
    return this;
  }

  /** Leaves out a base that is optional; call it before adding tensors. */
  MergeInMemory withoutBase() {
    withBase = false;
    return this;
  }

  /** One more tensor, of the output's dtype throughout. */
  MergeInMemory tensor(double[] base, double[]... models) {
    return tensor("t" + tensors.size(), base, models);
  }

  /** One more tensor of the output's dtype. */
  MergeInMemory tensor(String name, double[] base, double[]... models) {
    return tensor(
        name,
        Stored.of(output, base),
        Arrays.stream(models).map(m -> Stored.of(output, m)).toArray(Stored[]::new));
  }

  /** One more tensor with a base of zeros: the models are their own task vectors. */
  MergeInMemory taskVectors(double[]... deltas) {
    return tensor(new double[deltas[0].length], deltas);
  }

  /** The output's dtype; call it before {@link #tensor(double[], double[]...)}. */
  MergeInMemory dtype(DType dtype) {
    output = dtype;
    return this;
  }

  MergeInMemory mergekit(DType computed) {
    numerics = Numerics.MERGEKIT;
    compute = computed;
    return this;
  }

  /** The compute dtype of one tensor, where models mix dtypes. */
  MergeInMemory compute(String tensor, DType computed) {
    computeByTensor.put(tensor, computed);
    return this;
  }

  MergeInMemory seed(long newSeed) {
    seed = newSeed;
    return this;
  }

  MergeInMemory kernels(Kernels newKernels) {
    kernels = newKernels;
    return this;
  }

  MergeInMemory block(int elements) {
    block = elements;
    return this;
  }

  /** Cuts tensors into spans of this many grains. */
  MergeInMemory grains(int number) {
    grains = number;
    return this;
  }

  /** Walks the spans of every read in a random order. */
  MergeInMemory shuffled(long orderSeed) {
    shuffle = orderSeed;
    return this;
  }

  /** Gives a tensor, added or not, other dimensions than one. */
  MergeInMemory shape(String tensor, long... dims) {
    shapes.put(tensor, Shape.of(dims));
    return this;
  }

  MergeInMemory keepNonFinite() {
    checkFinite = false;
    return this;
  }

  /** Names under which the models draw their masks, instead of {@link #modelName}. */
  MergeInMemory names(String... newNames) {
    names = List.of(newNames);
    return this;
  }

  /** The name under which model {@code k} draws its masks. */
  static String modelName(int k) {
    return "model-" + k;
  }

  Result run() {
    List<TensorMerge> merges = tensors.stream().map(this::merge).toList();
    Result result =
        new Result(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), 0);
    ScopeInMemory driver =
        new ScopeInMemory(method, kernels, block, grains, shuffle, checkFinite, output, bytesRead);
    int reads = 0;
    if (method.isWholeModel(merges.get(0).params())) {
      reads = driver.run(new MergeScope(seed, merges), tensors, result);
    } else {
      for (int t = 0; t < merges.size(); t++) {
        MergeScope scope = new MergeScope(seed, List.of(merges.get(t)));
        reads = Math.max(reads, driver.run(scope, List.of(tensors.get(t)), result));
      }
    }
    return new Result(result.outputs(), result.decisions(), result.counts(), result.found(), reads);
  }

  private TensorMerge merge(TensorData data) {
    int count = data.models().get(0).count();
    List<TensorMerge.Input> inputs = new ArrayList<>();
    for (int k = 0; k < data.models().size(); k++) {
      inputs.add(
          new TensorMerge.Input(
              names.isEmpty() ? modelName(k) : names.get(k),
              spec(data.name(), data.models().get(k).dtype(), count)));
    }
    Stored base = data.base();
    return new TensorMerge(
        spec(data.name(), output, count),
        base == null ? null : spec(data.name(), base.dtype(), count),
        inputs,
        computeByTensor.getOrDefault(data.name(), compute == null ? output : compute),
        numerics,
        params(inputs.size()),
        sides(data, count));
  }

  private List<TensorMerge.Side> sides(TensorData data, int count) {
    List<TensorMerge.Side> sides = new ArrayList<>();
    for (int k = 0; k < data.sides().size(); k++) {
      SideTable table = data.sides().get(k).table();
      sides.add(
          new TensorMerge.Side(
              table.name(),
              table.per() == SideTable.Per.MERGE
                  ? table.name()
                  : table.name() + " of " + modelName(k),
              side(data.name(), data.sides().get(k).stored().dtype(), count, table.layout()),
              table.layout(),
              table.least()));
    }
    return sides;
  }

  private TensorSpec side(String name, DType dtype, int count, SideTable.Layout layout) {
    TensorSpec like = spec(name, dtype, count);
    List<Long> dims = like.shape().dims();
    return layout == SideTable.Layout.COLUMNS
        ? new TensorSpec(name, dtype, Shape.of(dims.get(dims.size() - 1)))
        : like;
  }

  private TensorSpec spec(String name, DType dtype, int count) {
    return new TensorSpec(name, dtype, shapes.getOrDefault(name, Shape.of(count)));
  }

  /** Bytes that were read so far of the model that was read most, the base included. */
  long mostBytesRead() {
    return Collections.max(bytesRead.values());
  }

  /** As the planner resolves a recipe without gradients and filters. */
  Params params(int models) {
    return ResolvedParams.of(spec, variant, values, models);
  }
}
