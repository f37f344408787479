package io.weightloom.compare;

import java.io.Serializable;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where the largest elements of task vectors lie; adds up over tensors. The support of a task
 * vector are all elements of at least its k-th largest magnitude, be it of the tensor's or of the
 * model's: more than k where several are equal.
 *
 * @param elements all elements
 * @param sizes of each task vector's support
 * @param unique of them the elements that are in no other's
 * @param shared of each pair, in the order of {@link TensorComparison#tasks}, the elements that are
 *     in both
 */
public record Support(long elements, List<Long> sizes, List<Long> unique, List<Long> shared)
    implements Serializable {
  private static final long serialVersionUID = 1;

  public Support {
    sizes = List.copyOf(sizes);
    unique = List.copyOf(unique);
    shared = List.copyOf(shared);
  }

  /**
   * Of two supports, what is shared over what is in either; NaN of two empty ones.
   *
   * @param a index of a task vector
   * @param b of a later one
   */
  public double jaccard(int a, int b) {
    long both = shared(a, b);
    return (double) both / (sizes.get(a) + sizes.get(b) - both);
  }

  /** What is shared over the smaller of both; NaN if that is empty. */
  public double overlap(int a, int b) {
    return (double) shared(a, b) / Math.min(sizes.get(a), sizes.get(b));
  }

  private long shared(int a, int b) {
    int n = sizes.size();
    return shared.get(a * (2 * n - a - 1) / 2 + b - a - 1);
  }

  Support plus(Support other) {
    return new Support(
        elements + other.elements,
        plus(sizes, other.sizes),
        plus(unique, other.unique),
        plus(shared, other.shared));
  }

  private static List<Long> plus(List<Long> xs, List<Long> ys) {
    return IntStream.range(0, xs.size()).mapToObj(i -> xs.get(i) + ys.get(i)).toList();
  }
}
