package io.weightloom.merge.span;

import io.weightloom.kernel.Kernels;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sums of products over each vector of a span, {@code Σ a·b}: in {@value Kernels#LANES} fp64 lanes
 * within a grain, grains in order, so that neither blocks nor spans show in the result.
 *
 * @param <V> the work vector
 */
public final class VectorSums<V> {
  private final Arith<V> arith;
  private final Layout layout;
  private final Span span;
  private final int sums;
  private final double[][] lanes;
  private final List<double[]> grains = new ArrayList<>();
  private long grain = -1;
  private double[][] open = new double[0][];

  VectorSums(Arith<V> arith, Layout layout, Span span, int sums) {
    this.arith = arith;
    this.layout = layout;
    this.span = span;
    this.sums = sums;
    this.lanes = new double[sums][Kernels.LANES];
  }

  /** Adds the products of a chunk to one of the sums; every chunk goes into all of them. */
  public void add(int sum, V a, V b, Chunk<V> chunk) {
    long first = chunk.first();
    if (first / Span.GRAIN != grain) {
      close();
      grain = first / Span.GRAIN;
      open = new double[sums][vectorsOf(layout, grain, end())];
    }
    if (layout.interleaved()) {
      arith.addProducts(a, b, open[sum], layout.vector(first), chunk.length());
      return;
    }
    for (int from = 0; from < chunk.length(); ) {
      int row = layout.vector(first + from);
      int to = (int) Math.min(chunk.length(), (row + 1) * layout.length() - first);
      arith.dot(a, b, from, to, lanes[sum]);
      if (first + to == (row + 1) * layout.length()) {
        flush(sum, row - layout.vector(grain * Span.GRAIN));
      }
      from = to;
    }
  }

  private void flush(int sum, int vector) {
    for (double lane : lanes[sum]) {
      open[sum][vector] += lane;
    }
    Arrays.fill(lanes[sum], 0);
  }

  private long end() {
    return span.first() + span.count();
  }

  private void close() {
    if (grain < 0) {
      return;
    }
    int vectors = open[0].length;
    double[] found = new double[vectors * sums];
    for (int s = 0; s < sums; s++) {
      if (!layout.interleaved()) {
        flush(s, vectors - 1);
      }
      for (int v = 0; v < vectors; v++) {
        found[v * sums + s] = open[s][v];
      }
    }
    grains.add(found);
  }

  /** By grain: the sums of each vector that has elements there. */
  double[][] found() {
    close();
    grain = -1;
    return grains.toArray(double[][]::new);
  }

  private static int vectorsOf(Layout layout, long grain, long end) {
    if (layout.interleaved()) {
      return layout.vectors();
    }
    long first = grain * Span.GRAIN;
    return layout.vector(Math.min(first + Span.GRAIN, end) - 1) - layout.vector(first) + 1;
  }

  /** The sums of all vectors of a tensor, vector after vector, from its parts in order. */
  static double[] total(Layout layout, int sums, List<Part> parts) {
    double[] total = new double[layout.vectors() * sums];
    for (Part part : parts) {
      long first = part.span().first();
      for (double[] grain : (double[][]) part.found()) {
        int at = layout.interleaved() ? 0 : layout.vector(first) * sums;
        for (int i = 0; i < grain.length; i++) {
          total[at + i] += grain[i];
        }
        first += Span.GRAIN;
      }
    }
    return total;
  }
}
