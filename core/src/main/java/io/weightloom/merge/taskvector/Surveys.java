package io.weightloom.merge.taskvector;

import io.weightloom.kernel.Half;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.GrainSums;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.MergeState.Surveyor;
import io.weightloom.merge.Numerics;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.tensor.DType;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** The reads that task vectors may need before their merge. */
final class Surveys {
  /** Below this an L1 norm counts as zero and nothing is rescaled. */
  private static final double NO_NORM = 1e-7;

  private Surveys() {}

  /** Counts magnitudes to narrow the thresholds. */
  record Magnitudes(TaskVectorState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      Selection thresholds = state.thresholds();
      TaskVectors<V> taskVectors = new TaskVectors<>(state, arith, span);
      Selection.Counter<V> counter = thresholds.counter(arith);
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          int n = chunk.length();
          for (int k = 0; k < chunk.inputs().length; k++) {
            int outliers = state.outlierSlot(k);
            if (thresholds.isOpen(k) || thresholds.isOpen(outliers)) {
              V delta = chunk.inputs()[k];
              arith.subtract(delta, chunk.base(), delta, n);
              taskVectors.drop(k, chunk);
              counter.count(k, delta, n);
              counter.count(outliers, delta, n);
            }
          }
        }

        @Override
        public Serializable found() {
          return counter.found();
        }
      };
    }

    @Override
    public boolean isPartial() {
      return state.thresholds().isSampled();
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      return state.with(state.thresholds().narrowed(parts, Part::found));
    }
  }

  /** Sums |δ| before and after sparsifying, for the L1 rescale; found: [model][0|1][grain]. */
  record Norms(TaskVectorState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      int models = state.scope().models();
      TaskVectors<V> taskVectors = new TaskVectors<>(state, arith, span);
      GrainSums[][] sums = new GrainSums[models][2];
      for (GrainSums[] pair : sums) {
        pair[0] = new GrainSums(span);
        pair[1] = new GrainSums(span);
      }
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          long offset = chunk.first() - span.first();
          taskVectors.subtractBase(chunk);
          for (int k = 0; k < models; k++) {
            V delta = chunk.inputs()[k];
            arith.sumMagnitudes(delta, sums[k][0].lanes(offset), chunk.length());
            taskVectors.sparsify(k, chunk);
            arith.sumMagnitudes(delta, sums[k][1].lanes(offset), chunk.length());
          }
        }

        @Override
        public Optional<Rows<V>> rows() {
          return taskVectors.rows();
        }

        @Override
        public Serializable found() {
          double[][][] found = new double[models][2][];
          for (int k = 0; k < models; k++) {
            found[k][0] = sums[k][0].finish();
            found[k][1] = sums[k][1].finish();
          }
          return found;
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      int models = state.scope().models();
      double[][][] sums = new double[state.scope().tensors().size()][models][2];
      for (Part part : parts) {
        double[][][] found = (double[][][]) part.found();
        for (int k = 0; k < models; k++) {
          for (int side = 0; side < 2; side++) {
            for (double grain : found[k][side]) {
              sums[part.span().tensor()][k][side] += grain;
            }
          }
        }
      }
      double[][] factors = new double[sums.length][models];
      for (int t = 0; t < sums.length; t++) {
        for (int k = 0; k < models; k++) {
          factors[t][k] = factor(t, sums[t][k][0], sums[t][k][1]);
        }
      }
      return state.with(factors);
    }

    /**
     * mergekit rounds sums and factor to the compute dtype, but F16 after a random drop to fp32.
     */
    private double factor(int tensor, double before, double after) {
      TensorMerge merge = state.scope().tensors().get(tensor);
      if (before < NO_NORM || after < NO_NORM) {
        return 1;
      }
      if (merge.numerics() == Numerics.ACCURATE || merge.isDouble()) {
        return before / after;
      }
      boolean wide = merge.compute() == DType.F16 && state.rules().get(tensor).drops();
      DType dtype = wide ? DType.F32 : merge.compute();
      float ratio = Half.round(dtype, (float) before) / Half.round(dtype, (float) after);
      return Half.round(dtype, ratio);
    }
  }

  /** Sums squares to narrow the thresholds that a share of them asks for; found: by model. */
  record Squares(TaskVectorState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      TaskVectors<V> taskVectors = new TaskVectors<>(state, arith, span);
      List<SquareShare.Counter<V>> counters =
          state.shares().stream().map(s -> s.counter(arith, span)).toList();
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          taskVectors.subtractBase(chunk);
          for (int k = 0; k < counters.size(); k++) {
            if (state.shares().get(k).open()) {
              taskVectors.drop(k, chunk);
              counters.get(k).count(chunk.inputs()[k], chunk.first(), chunk.length());
            }
          }
        }

        @Override
        public Serializable found() {
          return counters.stream()
              .map(SquareShare.Counter::found)
              .toArray(SquareShare.Found[]::new);
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      List<SquareShare> narrowed = new ArrayList<>();
      for (int k = 0; k < state.shares().size(); k++) {
        int model = k;
        SquareShare share = state.shares().get(k);
        narrowed.add(
            share.open()
                ? share.narrowed(parts, p -> ((SquareShare.Found[]) p.found())[model])
                : share);
      }
      return state.with(narrowed);
    }
  }

  /** Sums of what a chunk is turned into and of its squares; found: [model][0|1][grain]. */
  private static final class Sums<V> implements Surveyor<V> {
    private final Arith<V> arith;
    private final Span span;
    private final Consumer<Chunk<V>> turn;
    private final TaskVectors<V> taskVectors;
    private final GrainSums[][] sums;
    private final V ones;

    Sums(
        TaskVectorState state,
        Arith<V> arith,
        Span span,
        TaskVectors<V> t,
        Consumer<Chunk<V>> turn) {
      this.arith = arith;
      this.span = span;
      this.taskVectors = t;
      this.turn = turn;
      this.sums = new GrainSums[state.scope().models()][2];
      for (GrainSums[] pair : sums) {
        pair[0] = new GrainSums(span);
        pair[1] = new GrainSums(span);
      }
      this.ones = arith.vector();
      arith.shift(ones, 1, ones, Arith.CAPACITY);
    }

    @Override
    public void see(Chunk<V> chunk) {
      long offset = chunk.first() - span.first();
      turn.accept(chunk);
      for (int k = 0; k < sums.length; k++) {
        V delta = chunk.inputs()[k];
        arith.dot(delta, ones, sums[k][0].lanes(offset), chunk.length());
        arith.dot(delta, delta, sums[k][1].lanes(offset), chunk.length());
      }
    }

    @Override
    public Optional<Rows<V>> rows() {
      return taskVectors.rows();
    }

    @Override
    public Serializable found() {
      double[][][] found = new double[sums.length][2][];
      for (int k = 0; k < sums.length; k++) {
        found[k][0] = sums[k][0].finish();
        found[k][1] = sums[k][1].finish();
      }
      return found;
    }

    /** [model][0|1] over all parts. */
    static double[][] of(List<Part> parts, int models) {
      double[][] sums = new double[models][2];
      for (Part part : parts) {
        double[][][] found = (double[][][]) part.found();
        for (int k = 0; k < models; k++) {
          for (int side = 0; side < 2; side++) {
            for (double grain : found[k][side]) {
              sums[k][side] += grain;
            }
          }
        }
      }
      return sums;
    }
  }

  /** Mean and standard deviation of the whole scope. */
  record Spreads(TaskVectorState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      TaskVectors<V> taskVectors = new TaskVectors<>(state, arith, span);
      return new Sums<>(
          state,
          arith,
          span,
          taskVectors,
          chunk -> {
            taskVectors.subtractBase(chunk);
            for (int k = 0; k < chunk.inputs().length; k++) {
              taskVectors.drop(k, chunk);
            }
          });
    }

    /** Of one element the deviation is 0/0, and nothing is kept. */
    @Override
    public MergeState conclude(List<Part> parts) {
      double n = state.scope().elements();
      double[][] sums = Sums.of(parts, state.scope().models());
      double[][] spreads = new double[sums.length][2];
      for (int k = 0; k < sums.length; k++) {
        double mean = sums[k][0] / n;
        double variance = Math.max(0, sums[k][1] - mean * sums[k][0]) / (n - 1);
        double factor = state.rules().get(0).trim().margins()[k];
        spreads[k] = new double[] {mean, factor * Math.sqrt(variance)};
      }
      return state.withSpreads(spreads);
    }
  }

  /** Squares of what votes. */
  record Votes(TaskVectorState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      TaskVectors<V> taskVectors = new TaskVectors<>(state, arith, span);
      return new Sums<>(state, arith, span, taskVectors, taskVectors::candidates);
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      return state.withSquares(
          Arrays.stream(Sums.of(parts, state.scope().models())).mapToDouble(s -> s[1]).toArray());
    }
  }

  /** Sums the elected signs of the whole scope; found: their sum. */
  record Majority(TaskVectorState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      TaskVectors<V> taskVectors = new TaskVectors<>(state, arith, span);
      Elector<V> elector = Elector.of(state, state.rule(span), arith);
      V sign = arith.vector();
      return new Surveyor<>() {
        private long sum;

        @Override
        public void see(Chunk<V> chunk) {
          taskVectors.candidates(chunk);
          elector.elect(chunk.inputs(), 0, sign, chunk.length());
          sum += arith.sumSigns(sign, chunk.length());
        }

        @Override
        public Optional<Rows<V>> rows() {
          return taskVectors.rows();
        }

        @Override
        public Serializable found() {
          return sum;
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      long sum = parts.stream().mapToLong(p -> (Long) p.found()).sum();
      return state.with(Long.signum(sum));
    }
  }
}
