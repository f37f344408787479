package io.weightloom.udf;

import java.util.List;
import java.util.Optional;

/** The table of all functions. */
public final class Functions {
  private static final List<WeightFunction> ALL =
      List.of(
          new Values.Decode(),
          new Values.Decode64(),
          new Values.Slice(),
          new Values.At(),
          new Values.Count(),
          new Values.Digest(),
          new Statistics.Sum(),
          new Statistics.Mean(),
          new Statistics.Variance(),
          new Statistics.Min(),
          new Statistics.Max(),
          new Statistics.L1(),
          new Statistics.L2(),
          new Statistics.Linf(),
          new Statistics.Zeros(),
          new Statistics.Nans(),
          new Statistics.Infs(),
          new Statistics.Denormals(),
          new Statistics.Sparsity(),
          new Statistics.Nm(),
          new Statistics.Stats(),
          new Statistics.StatsInfo(),
          new Histograms.Histogram(),
          new Histograms.Quantile(),
          new Histograms.Quantiles(),
          new Histograms.Bins(),
          new Pairs.Dot(),
          new Pairs.Cosine(),
          new Pairs.Distance(),
          new Pairs.SignAgreement(),
          new Pairs.OfGram(),
          new Arithmetic.Subtract(),
          new Arithmetic.Axpy(),
          new Arithmetic.Lerp(),
          new Arithmetic.Trim(),
          new Arithmetic.TrimBelow(),
          new Arithmetic.Cast(),
          new Arithmetic.OfCastError(),
          new Aggregates.StatsMerge(),
          new Aggregates.HistogramMerge(),
          new Aggregates.GramMerge());

  private Functions() {}

  /** All, in the order of the documentation. */
  public static List<WeightFunction> all() {
    return ALL;
  }

  /** The function of this name, in any case. */
  public static Optional<WeightFunction> ofName(String name) {
    return ALL.stream().filter(function -> function.name().equalsIgnoreCase(name)).findFirst();
  }
}
