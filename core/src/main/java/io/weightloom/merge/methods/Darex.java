package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.DENSITY;
import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;
import static io.weightloom.merge.taskvector.TaskVectorParams.WEIGHT;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.MergeState.Surveyor;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.TaskVectorMethod;
import io.weightloom.merge.taskvector.TaskVectorRule;
import io.weightloom.merge.taskvector.TaskVectorRule.Drop;
import io.weightloom.merge.taskvector.TaskVectorRule.Election;
import io.weightloom.merge.taskvector.TaskVectorRule.Function;
import io.weightloom.merge.taskvector.TaskVectorRule.Trim;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * DARE whose divisor is solved from activations: what is kept of a task vector is divided by a q
 * that makes the bound of the change of a layer's output least (Deng et al., 2025, "DARE the
 * extreme", §4.1). With p = 1 − density, a the mean magnitude of a layer's input features and c =
 * δ·a the terms of one output (the bias one of them), each row's q is the minimiser over 0.001·j of
 *
 * <p>|η·(1 − (1−p)/q)·Σc + η²·φ(p)·Σc²/(4q²) + ln(2/(1−γ))|, φ(p) = (1−2p)/ln((1−p)/p)
 *
 * <p>and a tensor's q their mean; a bias has its weight's, other tensors the mean over the tensors.
 * This is the minimiser itself: the paper's code searches in fp16 and stops once four of five rows
 * have passed a minimum.
 */
@AutoService(MergeMethod.class)
public final class Darex implements ElementwiseMethod {
  private static final String ACTIVATIONS = "activations";
  private static final String WEIGHT_SUFFIX = "weight";
  private static final String BIAS_SUFFIX = "bias";
  private static final int STEPS = 1000;

  private static final MethodSpec SPEC =
      new MethodSpec(
          "darex",
          "DAREx-q (analytic)",
          "drops task vectors at random, divides by what the activations ask for",
          "https://arxiv.org/abs/2410.09344",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              WEIGHT,
              DENSITY,
              LAMBDA,
              ParamSpec.extension(
                  "eta",
                  0.45,
                  new Range(0, false, Double.POSITIVE_INFINITY),
                  "weight of the expected change against its spread"),
              ParamSpec.extension(
                  "gamma", 0.95, new Range(0, true, 0.999999), "probability that the bound holds")),
          List.of(
              SideTable.values(
                  ACTIVATIONS,
                  SideTable.Per.MODEL,
                  true,
                  "mean magnitude of each input feature, the same in each row; layers that it lacks"
                      + " get the mean q")),
          List.of(new Variant("q_rowwise_exact", "the minimiser of each row, in fp64", Map.of())));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public boolean isWholeModel(Params params) {
    return true;
  }

  @Override
  public int reads(MergeScope scope) {
    return 2;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Unsolved(scope);
  }

  /**
   * The least point of a row's bound: of equal ones the last.
   *
   * @param p probability to drop
   * @param sum Σc
   * @param squares Σc²
   */
  static double solve(double p, double sum, double squares, double eta, double gamma) {
    double phi = phi(p);
    double bound = StrictMath.log(2 / (1 - gamma));
    double least = Double.POSITIVE_INFINITY;
    double q = 1 - p;
    for (int j = Math.max(1, (int) ((1 - p) * STEPS)); j < STEPS - 1; j++) {
      double candidate = j * (1.0 / STEPS);
      double change =
          Math.abs(
              eta * (1 - (1 - p) / candidate) * sum
                  + eta * eta * phi * squares / (4 * candidate * candidate)
                  + bound);
      if (change <= least) {
        least = change;
        q = candidate;
      }
    }
    return q;
  }

  /** φ(p) of the bound on what dropping at random changes; 0/0 at ½, where it goes to ½. */
  static double phi(double p) {
    return p == 0.5 ? 0.5 : (1 - 2 * p) / StrictMath.log((1 - p) / p);
  }

  /** The divisors are not known. */
  private record Unsolved(MergeScope scope) implements MergeState, Survey {
    private static final long serialVersionUID = 1;

    @Override
    public Optional<Survey> survey() {
      return Optional.of(this);
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      throw new IllegalStateException("the survey comes first");
    }

    private TensorMerge tensor(Span span) {
      return scope.tensors().get(span.tensor());
    }

    private static boolean isKnown(TensorMerge tensor) {
      return tensor.firstSide(ACTIVATIONS) >= 0 && tensor.output().shape().rank() >= 2;
    }

    /** The weight whose outputs this bias is added to, if it has a table; −1 else. */
    private int weightOf(int bias, Map<String, Integer> known) {
      String name = scope.tensors().get(bias).output().name();
      int stem = name.length() - BIAS_SUFFIX.length();
      Integer weight =
          name.endsWith(BIAS_SUFFIX) ? known.get(name.substring(0, stem) + WEIGHT_SUFFIX) : null;
      return weight != null
              && rows(scope.tensors().get(weight)) == scope.tensors().get(bias).elements()
          ? weight
          : -1;
    }

    private Map<String, Integer> known() {
      Map<String, Integer> known = new HashMap<>();
      for (int t = 0; t < scope.tensors().size(); t++) {
        if (isKnown(scope.tensors().get(t))) {
          known.put(scope.tensors().get(t).output().name(), t);
        }
      }
      return known;
    }

    private static long rows(TensorMerge tensor) {
      return tensor.output().shape().dims().get(0);
    }

    private static long columns(TensorMerge tensor) {
      return rows(tensor) == 0 ? 1 : tensor.elements() / rows(tensor);
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      TensorMerge tensor = tensor(span);
      boolean known = isKnown(tensor);
      if (!known && weightOf(span.tensor(), known()) < 0) {
        return new Surveyor<>() {
          @Override
          public void see(Chunk<V> chunk) {}

          @Override
          public Serializable found() {
            return new RowSums(new long[0], new double[0][], new double[0][]);
          }
        };
      }
      return new Terms<>(arith, tensor, known);
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      int models = scope.models();
      Map<String, Integer> known = known();
      Map<Integer, double[][][]> sums = new TreeMap<>();
      for (Part part : parts) {
        int tensor = part.span().tensor();
        int weight = isKnown(tensor(part.span())) ? tensor : weightOf(tensor, known);
        RowSums found = (RowSums) part.found();
        if (weight >= 0) {
          int rows = Math.toIntExact(rows(scope.tensors().get(weight)));
          double[][][] of = sums.computeIfAbsent(weight, w -> new double[models][2][rows]);
          found.addTo(of);
        }
      }
      double[][] qs = new double[scope.tensors().size()][];
      double[] mean = new double[models];
      sums.forEach(
          (weight, of) -> {
            double[] q = solved(weight, of);
            qs[weight] = q;
            Arrays.setAll(mean, k -> mean[k] + q[k] / sums.size());
          });
      for (int t = 0; t < qs.length; t++) {
        if (qs[t] == null) {
          int weight = weightOf(t, known);
          qs[t] = weight >= 0 ? qs[weight] : sums.isEmpty() ? densities(t) : mean;
        }
      }
      return new Solved(merge(qs), qs);
    }

    private double[] densities(int tensor) {
      return scope.tensors().get(tensor).params().numbers("density");
    }

    private double[] solved(int tensor, double[][][] sums) {
      Params p = scope.tensors().get(tensor).params();
      double[] densities = p.numbers("density");
      double[] q = new double[densities.length];
      for (int k = 0; k < q.length; k++) {
        int rows = sums[k][0].length;
        for (int row = 0; row < rows; row++) {
          q[k] +=
              densities[k] >= 1
                  ? 1
                  : solve(
                      1 - densities[k],
                      sums[k][0][row],
                      sums[k][1][row],
                      p.number("eta"),
                      p.number("gamma"));
        }
        q[k] /= Math.max(1, rows);
      }
      return q;
    }

    private MergeState merge(double[][] qs) {
      List<TaskVectorRule> rules = new ArrayList<>();
      for (int t = 0; t < qs.length; t++) {
        Params p = scope.tensors().get(t).params();
        int models = scope.models();
        rules.add(
            new TaskVectorRule(
                p.numbers("weight"),
                p.number("lambda"),
                new Drop(p.numbers("density"), qs[t]),
                Trim.none(models),
                false,
                Election.NONE,
                Function.SUM));
      }
      return TaskVectorMethod.merge(scope, rules);
    }
  }

  /**
   * The merge with its divisors, by tensor and model.
   *
   * @param dare what drops and divides
   */
  private record Solved(MergeState dare, double[][] qs) implements MergeState {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      return dare.emitter(arith, span);
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      return Map.of("q", Arrays.stream(qs[tensor]).boxed().toList());
    }
  }

  /**
   * Σc and Σc² of runs of one row each, in order; a row that a grain ends in has two.
   *
   * @param rows which row each run is of
   * @param sums by model
   * @param squares by model
   */
  private record RowSums(long[] rows, double[][] sums, double[][] squares) implements Serializable {
    private static final long serialVersionUID = 1;

    void addTo(double[][][] all) {
      for (int k = 0; k < sums.length; k++) {
        for (int i = 0; i < rows.length; i++) {
          all[k][0][(int) rows[i]] += sums[k][i];
          all[k][1][(int) rows[i]] += squares[k][i];
        }
      }
    }
  }

  /** Sums terms in the order of elements, anew at each row and each grain. */
  private static final class Terms<V> implements Surveyor<V> {
    private final Arith<V> arith;
    private final boolean known;
    private final long columns;
    private final List<Long> rows = new ArrayList<>();
    private final List<double[]> sums = new ArrayList<>();
    private final double[] delta = new double[Arith.CAPACITY];
    private final double[] activation = new double[Arith.CAPACITY];
    private final int models;

    Terms(Arith<V> arith, TensorMerge tensor, boolean known) {
      this.arith = arith;
      this.known = known;
      this.columns = known ? Unsolved.columns(tensor) : 1;
      this.models = tensor.inputs().size();
      Arrays.fill(activation, 1);
    }

    @Override
    public void see(Chunk<V> chunk) {
      int n = chunk.length();
      int begun = sums.size();
      for (int k = 0; k < models; k++) {
        V values = chunk.inputs()[k];
        arith.subtract(values, chunk.base(), values, n);
        arith.widen(values, delta, 0, n);
        if (known) {
          arith.widen(chunk.sides()[k], activation, 0, n);
        }
        int run = begun - 1;
        for (int i = 0; i < n; i++) {
          long at = chunk.first() + i;
          if (begins(at)) {
            run++;
            if (k == 0) {
              rows.add(at / columns);
              sums.add(new double[2 * models]);
            }
          }
          double c = delta[i] * activation[i];
          sums.get(run)[2 * k] += c;
          sums.get(run)[2 * k + 1] += c * c;
        }
      }
    }

    private boolean begins(long at) {
      return at % columns == 0 || at % Span.GRAIN == 0;
    }

    @Override
    public Serializable found() {
      double[][] sum = new double[models][rows.size()];
      double[][] squares = new double[models][rows.size()];
      for (int k = 0; k < models; k++) {
        for (int i = 0; i < rows.size(); i++) {
          sum[k][i] = sums.get(i)[2 * k];
          squares[k][i] = sums.get(i)[2 * k + 1];
        }
      }
      return new RowSums(rows.stream().mapToLong(r -> r).toArray(), sum, squares);
    }
  }
}
