package io.weightloom.prune;

import io.weightloom.error.WeightloomException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How much of each tensor is pruned so that the model gets a sparsity: plans that look at shapes
 * alone, or at magnitudes or curves that were gathered before. All give weights pruned by tensor.
 */
public final class Budget {

  /**
   * A tensor that is pruned.
   *
   * @param name its name
   * @param dims its dimensions, outputs first
   */
  public record Prunable(String name, List<Long> dims) {
    public Prunable {
      dims = List.copyOf(dims);
    }

    public long elements() {
      return dims.stream().mapToLong(Long::longValue).reduce(1, Math::multiplyExact);
    }

    /** Σ dims / Π dims, the kernel's dimensions counted or not. */
    double raw(boolean withKernel) {
      List<Long> counted = withKernel ? dims : dims.subList(0, Math.min(2, dims.size()));
      double sum = counted.stream().mapToLong(Long::longValue).sum();
      double product = counted.stream().mapToDouble(Long::doubleValue).reduce(1, (a, b) -> a * b);
      return sum / product;
    }
  }

  private Budget() {}

  private static void requireSparsity(double sparsity) {
    if (!(sparsity >= 0 && sparsity <= 1)) {
      throw WeightloomException.usage(
          "Cannot plan a sparsity of %s: it is the share of the weights that is pruned (choose a number from 0 to 1)"
              .formatted(sparsity));
    }
  }

  /**
   * Uniform, but the first tensor stays dense and of the last at least a fifth is kept; the others
   * make up for it (Gale et al., 2019).
   *
   * @throws WeightloomException if the others have too few weights for that
   */
  public static Map<String, Long> uniformPlus(List<Prunable> tensors, double sparsity) {
    requireSparsity(sparsity);
    int n = tensors.size();
    double[] densities = new double[n];
    double kept = 0;
    double rest = 0;
    for (int i = 0; i < n; i++) {
      double size = tensors.get(i).elements();
      densities[i] = i == 0 ? 1 : i == n - 1 ? Math.max(0.2, 1 - sparsity) : -1;
      kept += densities[i] > 0 ? densities[i] * size : 0;
      rest += densities[i] > 0 ? 0 : size;
    }
    double all = tensors.stream().mapToDouble(Prunable::elements).sum();
    double density = rest == 0 ? 0 : (all * (1 - sparsity) - kept) / rest;
    if (density < 0 || (rest == 0 && kept > all * (1 - sparsity) * (1 + 1e-9))) {
      throw WeightloomException.usage(
          "Cannot plan a sparsity of %s by uniform_plus: the first tensor dense and a fifth of the last are more than is kept at all (choose less, or another budget)"
              .formatted(sparsity));
    }
    for (int i = 0; i < n; i++) {
      densities[i] = densities[i] < 0 ? density : densities[i];
    }
    return pruned(tensors, densities);
  }

  /**
   * Densities in proportion to Σ dims / Π dims (Erdős–Rényi; Mocanu et al., 2018; with the kernel's
   * dimensions Evci et al., 2020); where that is above 1 the tensor stays dense and the others are
   * solved for again.
   *
   * @param withKernel whether all dimensions count (ERK) or the first two (ER)
   */
  public static Map<String, Long> erdosRenyi(
      List<Prunable> tensors, double sparsity, boolean withKernel) {
    requireSparsity(sparsity);
    int n = tensors.size();
    double all = tensors.stream().mapToDouble(Prunable::elements).sum();
    double[] raw = tensors.stream().mapToDouble(t -> t.raw(withKernel)).toArray();
    boolean[] dense = new boolean[n];
    while (true) {
      double budget = all * (1 - sparsity);
      double weight = 0;
      double most = 0;
      for (int i = 0; i < n; i++) {
        if (dense[i]) {
          budget -= tensors.get(i).elements();
        } else {
          weight += raw[i] * tensors.get(i).elements();
          most = Math.max(most, raw[i]);
        }
      }
      double epsilon = weight == 0 ? 0 : Math.max(0, budget) / weight;
      if (epsilon * most <= 1) {
        double[] densities = new double[n];
        Arrays.setAll(densities, i -> dense[i] ? 1 : epsilon * raw[i]);
        return pruned(tensors, densities);
      }
      for (int i = 0; i < n; i++) {
        dense[i] |= raw[i] == most;
      }
    }
  }

  private static Map<String, Long> pruned(List<Prunable> tensors, double[] densities) {
    Map<String, Long> pruned = new LinkedHashMap<>();
    for (int i = 0; i < densities.length; i++) {
      long n = tensors.get(i).elements();
      pruned.put(tensors.get(i).name(), n - Math.round(densities[i] * n));
    }
    return pruned;
  }

  /**
   * Outlier weighed layerwise sparsity (Yin et al., 2024, "Outlier Weighed Layerwise Sparsity
   * (OWL)"): blocks of layers with more outliers are pruned less.
   *
   * @param sparsity of the model, exact only where blocks are of one size
   * @param outliers by block the share of scores above M times the block's mean score
   * @param lambda how far a block's sparsity may lie from the others', 0.08 in the paper
   * @return the sparsity of each block, in the order given
   * @throws WeightloomException if a block's would be below 0 or above 1
   */
  public static double[] owl(double sparsity, double[] outliers, double lambda) {
    requireSparsity(sparsity);
    double least = Arrays.stream(outliers).min().orElse(0);
    double most = Arrays.stream(outliers).max().orElse(0);
    double[] scaled = new double[outliers.length];
    Arrays.setAll(
        scaled, i -> most == least ? 0 : (outliers[i] - least) / (most - least) * 2 * lambda);
    double mean = Arrays.stream(scaled).average().orElse(0);
    double[] sparsities = new double[scaled.length];
    for (int i = 0; i < scaled.length; i++) {
      sparsities[i] = 1 - (scaled[i] - mean + (1 - sparsity));
      if (sparsities[i] < 0 || sparsities[i] > 1) {
        throw WeightloomException.usage(
            "Cannot plan a sparsity of %s by OWL with lambda %s: block %d would get %s (choose a smaller lambda)"
                .formatted(sparsity, lambda, i, sparsities[i]));
      }
    }
    return sparsities;
  }
}
