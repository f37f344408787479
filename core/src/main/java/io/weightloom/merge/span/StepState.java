package io.weightloom.merge.span;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A tensor on its way through {@link Steps}.
 *
 * @param steps the formula
 * @param layout of the tensor
 * @param known equally many numbers of each vector, vector after vector
 */
record StepState(Steps steps, Layout layout, double[] known) implements MergeState {
  private static final long serialVersionUID = 1;

  static StepState begin(TensorMerge tensor, Steps steps) {
    return new StepState(steps, Layout.of(tensor, steps.axis()), new double[0]);
  }

  @Override
  public Optional<Survey> survey() {
    int sums = steps.sums(known, layout.vectors());
    return sums == 0 ? Optional.empty() : Optional.of(new Sums(this, sums));
  }

  @Override
  public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
    return steps.pass(arith, new Spread(layout, known))::emit;
  }

  private record Sums(StepState state, int sums) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      Layout layout = state.layout();
      VectorSums<V> found = new VectorSums<>(arith, layout, span, sums);
      Steps.Pass<V> pass = state.steps().pass(arith, new Spread(layout, state.known()));
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          pass.see(chunk, found);
        }

        @Override
        public Serializable found() {
          return found.found();
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      int vectors = state.layout().vectors();
      double[] total = VectorSums.total(state.layout(), sums, parts);
      int width = state.known().length / vectors;
      double[] learnt = new double[0];
      for (int v = 0; v < vectors; v++) {
        double[] one =
            state
                .steps()
                .learn(
                    Arrays.copyOfRange(state.known(), v * width, (v + 1) * width),
                    Arrays.copyOfRange(total, v * sums, (v + 1) * sums));
        if (v == 0) {
          learnt = new double[vectors * one.length];
        }
        System.arraycopy(one, 0, learnt, v * one.length, one.length);
      }
      return new StepState(state.steps(), state.layout(), learnt);
    }
  }
}
