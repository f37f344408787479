package io.weightloom.merge.taskvector;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Adds the changes that one model alone makes, scaled, and the mean of those that several make: RAM
 * and RAM+ (Yuan et al., 2026, "Behavior knowledge merge in reinforced agentic models").
 *
 * @param epsilon the magnitude above which a change counts
 * @param r 0 scales nothing and needs no read beforehand
 * @param alpha upper bound of the ratio of shared to unique changes
 * @param scales factor of what a model alone changes, or null while unknown
 */
public record Reinforcement(
    MergeScope scope, double epsilon, double r, double alpha, double @Nullable [] scales)
    implements MergeState, MergeState.Survey {

  private static final long serialVersionUID = 1;

  @Override
  public Optional<Survey> survey() {
    return r != 0 && scales == null ? Optional.of(this) : Optional.empty();
  }

  @Override
  public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
    Changes<V> changes = new Changes<>(arith, scope.models(), epsilon);
    long[][] counts = new long[scope.models()][2];
    return new Surveyor<>() {
      @Override
      public void see(Chunk<V> chunk) {
        changes.of(chunk);
        for (int k = 0; k < counts.length; k++) {
          for (int i = 0; i < chunk.length(); i++) {
            if (changes.deltas[k][i] != 0) {
              counts[k][changes.count[i] > 1 ? 1 : 0]++;
            }
          }
        }
      }

      @Override
      public Serializable found() {
        return counts;
      }
    };
  }

  @Override
  public MergeState conclude(List<Part> parts) {
    double[] found = new double[scope.models()];
    for (int k = 0; k < found.length; k++) {
      int model = k;
      double unique = parts.stream().mapToLong(p -> ((long[][]) p.found())[model][0]).sum();
      double shared = parts.stream().mapToLong(p -> ((long[][]) p.found())[model][1]).sum();
      double ratio = shared / Math.max(unique, Math.max(epsilon, Double.MIN_NORMAL));
      found[k] = 1 + r * Math.min(Math.max(ratio, 0), alpha);
    }
    return new Reinforcement(scope, epsilon, r, alpha, found);
  }

  @Override
  public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
    Changes<V> changes = new Changes<>(arith, scope.models(), epsilon);
    double[] unique = new double[scope.models()];
    Arrays.fill(unique, 1);
    double[] factors = scales == null ? unique : scales;
    double[] merged = new double[Arith.CAPACITY];
    return (chunk, out) -> {
      changes.of(chunk);
      for (int i = 0; i < chunk.length(); i++) {
        double share = changes.count[i] > 1 ? arith.scalar(1.0 / changes.count[i]) : 1;
        double sum = 0;
        for (int k = 0; k < factors.length; k++) {
          double factor = changes.count[i] > 1 ? share : factors[k];
          sum += arith.scalar(changes.deltas[k][i] * factor);
        }
        merged[i] = sum;
      }
      arith.narrow(merged, out, chunk.length());
      arith.add(chunk.base(), out, out, chunk.length());
    };
  }

  @Override
  public Map<String, Object> decisions(int tensor) {
    return scales == null
        ? Map.of()
        : Map.of("unique_scales", Arrays.stream(scales).boxed().toList());
  }

  /** The changes that count and how many models make one at each coordinate. */
  private static final class Changes<V> {
    private final Arith<V> arith;
    private final double epsilon;
    private final double[][] deltas;
    private final int[] count = new int[Arith.CAPACITY];

    Changes(Arith<V> arith, int models, double epsilon) {
      this.arith = arith;
      this.epsilon = arith.scalar(epsilon);
      this.deltas = new double[models][Arith.CAPACITY];
    }

    void of(Chunk<V> chunk) {
      int n = chunk.length();
      Arrays.fill(count, 0, n, 0);
      for (int k = 0; k < deltas.length; k++) {
        V delta = chunk.inputs()[k];
        arith.subtract(delta, chunk.base(), delta, n);
        arith.widen(delta, deltas[k], 0, n);
        for (int i = 0; i < n; i++) {
          boolean changes = Math.abs(deltas[k][i]) > epsilon;
          deltas[k][i] = changes ? deltas[k][i] : 0;
          count[i] += changes ? 1 : 0;
        }
      }
    }
  }
}
