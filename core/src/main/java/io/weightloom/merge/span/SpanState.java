package io.weightloom.merge.span;

import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * A scope before its Gram matrices are known, or with the coefficients that came of them.
 *
 * @param scope the tensors
 * @param rules one a tensor
 * @param coefficients for each tensor those of its vectors, vector after vector; empty until known
 * @param decisions one a tensor, for the manifest
 */
record SpanState(
    MergeScope scope,
    List<SpanRule> rules,
    List<double[]> coefficients,
    List<Map<String, Object>> decisions)
    implements MergeState {

  private static final long serialVersionUID = 1;

  static SpanState begin(MergeScope scope, List<SpanRule> rules) {
    SpanState unknown = new SpanState(scope, List.copyOf(rules), List.of(), List.of());
    return rules.stream().anyMatch(SpanRule::needsGram) ? unknown : unknown.concluded(List.of());
  }

  @Override
  public Optional<Survey> survey() {
    return coefficients.isEmpty() ? Optional.of(new Products(this)) : Optional.empty();
  }

  @Override
  public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
    SpanRule rule = rules.get(span.tensor());
    Layout layout = layout(span.tensor());
    double[] table = coefficients.get(span.tensor());
    Vectors.Of<V> vectors = rule.vectors().of(arith, scope.models());
    boolean once = !layout.isWhole() || (rule.roundsOnce() && arith.roundsEachStep());
    Combination<V> combination =
        once ? inOneGo(arith, new Spread(layout, table)) : weighted(arith, table);
    if (rule.vectors() != Vectors.TASK_VECTORS) {
      return (chunk, out) -> combination.fill(vectors.chunk(chunk), chunk, out);
    }
    return (chunk, out) -> {
      combination.fill(vectors.chunk(chunk), chunk, out);
      arith.add(chunk.base(), out, out, chunk.length());
    };
  }

  @FunctionalInterface
  private interface Combination<V> {
    void fill(V[] xs, Chunk<V> chunk, V out);
  }

  private static <V> Combination<V> weighted(Arith<V> arith, double[] table) {
    double[] weights = Arrays.stream(table).map(arith::scalar).toArray();
    return (xs, chunk, out) -> arith.weightedSum(xs, weights, out, chunk.length());
  }

  private static <V> Combination<V> inOneGo(Arith<V> arith, Spread spread) {
    return (xs, chunk, out) -> {
      double[][] weights = new double[xs.length][];
      Arrays.setAll(weights, k -> spread.over(chunk, k));
      arith.combine(xs, weights, out, chunk.length());
    };
  }

  private Layout layout(int tensor) {
    return Layout.of(scope.tensors().get(tensor), rules.get(tensor).axis());
  }

  private int vectors(int tensor) {
    return rules.get(tensor).vectors().count(scope.models());
  }

  private int products(int tensor) {
    return rules.get(tensor).needsGram() ? Gram.products(vectors(tensor)) : 0;
  }

  @Override
  public Map<String, Object> decisions(int tensor) {
    return decisions.isEmpty() ? Map.of() : decisions.get(tensor);
  }

  /** With the coefficients that follow from the products; of each tensor, or of the whole model. */
  private SpanState concluded(List<double[]> products) {
    List<double[]> tables = new ArrayList<>();
    List<Map<String, Object>> said = new ArrayList<>();
    for (int t = 0; t < rules.size(); t++) {
      SpanRule rule = rules.get(t);
      List<Gram> grams = grams(t, products);
      double[] table = rule.coefficients(grams);
      Map<String, Object> decided = new LinkedHashMap<>(rule.decisions(grams));
      if (grams.size() == 1) {
        decided.put("coefficients", Arrays.stream(table).boxed().toList());
      }
      said.add(decided);
      tables.add(table);
    }
    return new SpanState(scope, rules, tables, said);
  }

  /** The inner products of each vector of a tensor. */
  private List<Gram> grams(int tensor, List<double[]> products) {
    int count = layout(tensor).vectors();
    if (!rules.get(tensor).needsGram()) {
      return Collections.nCopies(count, Gram.NONE);
    }
    int size = vectors(tensor);
    double[] own = products.get(tensor);
    return IntStream.range(0, count)
        .mapToObj(v -> new Gram(size, own, v * Gram.products(size)))
        .toList();
  }

  /** Takes the inner products. */
  private record Products(SpanState state) implements Survey {
    private static final long serialVersionUID = 1;

    @Override
    public <V> Surveyor<V> surveyor(Arith<V> arith, Span span) {
      int tensor = span.tensor();
      int size = state.vectors(tensor);
      int products = state.products(tensor);
      Vectors.Of<V> vectors = state.rules().get(tensor).vectors().of(arith, state.scope().models());
      VectorSums<V> sums = new VectorSums<>(arith, state.layout(tensor), span, products);
      return new Surveyor<>() {
        @Override
        public void see(Chunk<V> chunk) {
          if (products == 0) {
            return;
          }
          V[] xs = vectors.chunk(chunk);
          int sum = 0;
          for (int i = 0; i < size; i++) {
            for (int j = i; j < size; j++) {
              sums.add(sum++, xs[i], xs[j], chunk);
            }
          }
        }

        @Override
        public Serializable found() {
          return sums.found();
        }
      };
    }

    @Override
    public MergeState conclude(List<Part> parts) {
      List<double[]> products = new ArrayList<>();
      for (int t = 0; t < state.rules().size(); t++) {
        int tensor = t;
        List<Part> own = parts.stream().filter(p -> p.span().tensor() == tensor).toList();
        products.add(VectorSums.total(state.layout(t), state.products(t), own));
      }
      return state.concluded(products.size() == 1 ? products : together(products));
    }

    /** One matrix for the model: the sum of the tensors' own, in their order. */
    private static List<double[]> together(List<double[]> products) {
      double[] sum = products.get(0).clone();
      for (double[] each : products.subList(1, products.size())) {
        for (int i = 0; i < sum.length; i++) {
          sum[i] += each[i];
        }
      }
      return Collections.nCopies(products.size(), sum);
    }
  }
}
