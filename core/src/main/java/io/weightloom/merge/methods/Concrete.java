package io.weightloom.merge.methods;

import static io.weightloom.merge.taskvector.TaskVectorParams.LAMBDA;
import static io.weightloom.merge.taskvector.TaskVectorParams.WEIGHT;

import com.google.auto.service.AutoService;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.GrainSums;
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
import io.weightloom.merge.SideTable.Per;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.taskvector.RelaxedBernoulli;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Task arithmetic in a subspace that was learned elsewhere: {@code θ₀ + λ·Σ wₜ·(m/mean(m))⊙τₜ} with
 * one mask m for all models (Tang et al., 2023, "Concrete subspace learning", §4; and DAM's
 * safety-aware mask, Yang et al., 2025, "Mitigating the backdoor effect for multi-task model
 * merging", §4.2). Of what is suspect besides, {@code m⊙(1 − s)} stays.
 *
 * <p>Where a mask was learned as logits, their probabilities stand for it, or a draw from the
 * relaxed Bernoulli distribution that the papers' codes draw from even at evaluation.
 */
@AutoService(MergeMethod.class)
public final class Concrete implements ElementwiseMethod {
  private static final String MASK = "mask";
  private static final String SUSPECTS = "suspects";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "concrete",
          "Concrete subspace (and DAM)",
          "adds task vectors under a learned mask that they share",
          "https://arxiv.org/abs/2312.06173",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              WEIGHT.orElse(1),
              LAMBDA.orElse(0.3),
              ParamSpec.extension(
                  "mask_is",
                  List.of("mask", "logits", "sampled"),
                  "what the table holds: the mask, logits of it, or logits to draw it from"),
              ParamSpec.extension(
                  "temperature",
                  0.5,
                  new Range(0, false, Double.POSITIVE_INFINITY),
                  "of the draw, beside mask_is: sampled"),
              ParamSpec.extension(
                  "rescale_mask", List.of("mean", "none"), "divide by the tensor's mean of it")),
          List.of(
              SideTable.values(
                  MASK, Per.MERGE, true, "the mask; tensors that it lacks are not masked"),
              SideTable.values(
                  SUSPECTS, Per.MERGE, false, "how suspect each element is, from 0 to 1")),
          List.of(
              new Variant("concrete", "Concrete task arithmetic in FusionBench", Map.of()),
              new Variant(
                  "probabilities",
                  "the expected mask of learned logits, without a draw",
                  Map.of("mask_is", "logits")),
              new Variant(
                  "fusionbench",
                  "a mask drawn from learned logits, as FusionBench and DAM evaluate",
                  Map.of("mask_is", "sampled"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public int reads(MergeScope scope) {
    return 2;
  }

  @Override
  public MergeState begin(MergeScope scope) {
    return new Masked(scope, null);
  }

  /**
   * The mask's mean once it is known.
   *
   * @param mean null while unknown
   */
  private record Masked(MergeScope scope, @Nullable Double mean) implements MergeState, Survey {
    private static final long serialVersionUID = 1;

    private TensorMerge tensor() {
      return scope.tensors().get(0);
    }

    private boolean isMasked() {
      return tensor().firstSide(MASK) >= 0;
    }

    @Override
    public Optional<Survey> survey() {
      boolean asked = isMasked() && tensor().params().choice("rescale_mask").equals("mean");
      return asked && mean == null ? Optional.of(this) : Optional.empty();
    }

    @Override
    public boolean isOfSides() {
      return true;
    }

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      Mask<V> mask = new Mask<>(scope, arith);
      GrainSums sums = new GrainSums(span);
      V ones = arith.vector();
      arith.shift(ones, 1, ones, Arith.CAPACITY);
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          arith.dot(mask.of(chunk), ones, sums.lanes(chunk.first() - span.first()), chunk.length());
        }

        @Override
        public Serializable found() {
          return sums.finish();
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      double sum = 0;
      for (Part part : parts) {
        for (double grain : (double[]) part.found()) {
          sum += grain;
        }
      }
      return new Masked(scope, sum / scope.elements());
    }

    @Override
    public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
      Params p = tensor().params();
      double[] weights = Arrays.stream(p.numbers("weight")).map(arith::scalar).toArray();
      Mask<V> mask = new Mask<>(scope, arith);
      Double known = mean;
      double factor = known == null ? 1 : known == 0 ? 0 : 1 / known;
      boolean masked = isMasked();
      return (chunk, out) -> {
        int n = chunk.length();
        for (V delta : chunk.inputs()) {
          arith.subtract(delta, chunk.base(), delta, n);
        }
        arith.weightedSum(chunk.inputs(), weights, out, n);
        if (masked) {
          V m = mask.of(chunk);
          arith.scale(m, factor, m, n);
          arith.multiply(out, m, out, n);
        }
        arith.scale(out, p.number("lambda"), out, n);
        arith.add(chunk.base(), out, out, n);
      };
    }

    @Override
    public Map<String, Object> decisions(int tensor) {
      return mean == null ? Map.of() : Map.of("mask_mean", mean);
    }
  }

  /** Makes the mask of a chunk: the same in each read. For one thread. */
  private static final class Mask<V> {
    private final Arith<V> arith;
    private final V mask;
    private final double[] values = new double[Arith.CAPACITY];
    private final double[] others = new double[Arith.CAPACITY];
    private final String kind;
    private final RelaxedBernoulli draws;
    private final int at;
    private final int suspects;

    Mask(MergeScope scope, Arith<V> arith) {
      TensorMerge tensor = scope.tensors().get(0);
      this.arith = arith;
      this.mask = arith.vector();
      this.kind = tensor.params().choice("mask_is");
      this.draws =
          new RelaxedBernoulli(
              scope.seed(), tensor.output().name(), tensor.params().number("temperature"));
      this.at = tensor.firstSide(MASK);
      this.suspects = tensor.firstSide(SUSPECTS);
    }

    V of(Chunk<V> chunk) {
      int n = chunk.length();
      arith.widen(chunk.sides()[at], values, 0, n);
      for (int i = 0; i < n && !kind.equals("mask"); i++) {
        values[i] =
            kind.equals("logits")
                ? RelaxedBernoulli.sigmoid(values[i])
                : draws.draw(values[i], chunk.first() + i);
      }
      if (suspects >= 0) {
        arith.widen(chunk.sides()[suspects], others, 0, n);
        for (int i = 0; i < n; i++) {
          values[i] *= 1 - others[i];
        }
      }
      arith.narrow(values, mask, n);
      return mask;
    }
  }
}
