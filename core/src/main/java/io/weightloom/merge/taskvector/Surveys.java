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
import java.util.List;
import java.util.Optional;

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

  /** Sums the elected signs of the whole scope; found: their sum. */
  record Majority(TaskVectorState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      TaskVectors<V> taskVectors = new TaskVectors<>(state, arith, span);
      TaskVectorRule rule = state.rule(span);
      V sign = arith.vector();
      return new Surveyor<>() {
        private long sum;

        @Override
        public void see(Chunk<V> chunk) {
          V[] deltas = chunk.inputs();
          int n = chunk.length();
          taskVectors.subtractBase(chunk);
          for (int k = 0; k < deltas.length; k++) {
            taskVectors.sparsify(k, chunk);
            if (rule.function() != TaskVectorRule.Function.SUM_WEIGHTED_LATE) {
              arith.scale(deltas[k], arith.scalar(rule.weights()[k]), deltas[k], n);
            }
          }
          if (rule.election().byCount()) {
            arith.electByCount(deltas, 0, sign, n);
          } else {
            arith.electByMass(deltas, 0, sign, n);
          }
          sum += arith.sumSigns(sign, n);
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
