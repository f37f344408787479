package io.weightloom.stats;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import io.weightloom.stats.TensorReport.Stored;
import io.weightloom.stats.TensorStats.Fit;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The result tables of statistics. */
public final class StatsTables {

  private StatsTables() {}

  /** A row for each tensor of each model. */
  public static final Table<TensorReport> TENSORS =
      new Table<>(
          "tensor_stats",
          1,
          "Statistics of each tensor. Moments, norms and quantiles are over the finite values.",
          tensorColumns());

  /** Of rows. */
  public static final Table<PartReport> ROWS =
      parts("row_stats", "row", "index of the first dimension");

  /** Of columns. */
  public static final Table<PartReport> COLUMNS =
      parts("column_stats", "column", "flat index of all dimensions but the first");

  /** Of blocks. */
  public static final Table<PartReport> BLOCKS =
      parts("block_stats", "block", "number of the block in the tensor, from 0");

  /** A row for each row of each matrix, where unused rows are known. */
  public static final Table<RowDistanceReport> DISTANCES =
      new Table<>(
          "row_distances",
          1,
          "How far each row of an embedding is from the mean of rows that are known to be unused:"
              + " tokens near to it were hardly trained (Land and Bartolo, arXiv:2405.05417). What is"
              + " not finite counts as 0.",
          distanceColumns());

  private static List<Column<RowDistanceReport>> distanceColumns() {
    List<Column<RowDistanceReport>> columns =
        new ArrayList<>(identity(RowDistanceReport::model, RowDistanceReport::tensor));
    columns.addAll(
        List.of(
            Column.count("row", "index of the first dimension", r -> r.distances().row()),
            Column.flag("is_unused", "whether it was named as unused", RowDistanceReport::isUnused),
            Column.number("l2", "‖e‖", r -> r.distances().l2()),
            Column.number(
                "distance_to_mean",
                "‖e − m‖, m being the mean of all rows",
                r -> r.distances().toMean()),
            Column.number(
                "distance_to_unused",
                "‖e − u‖, u being the mean of the unused rows: the less, the less trained",
                r -> r.distances().toUnused()),
            Column.number(
                "cosine_to_unused",
                "1 − cos(e, u), from 0 to 2; NaN if one is 0",
                r -> r.distances().cosineToUnused()),
            Column.number(
                "centred_cosine_to_unused",
                "1 − cos(e − m, u − m), likewise: without what all rows have in common",
                r -> r.distances().centredCosineToUnused())));
    return columns;
  }

  private static <S> List<Column<S>> identity(
      Function<S, String> model, Function<S, TensorSpec> tensor) {
    return List.of(
        Column.text("model", "the model's name", model),
        Column.text("tensor", "name as stored", s -> tensor.apply(s).name()),
        Column.text(
            "role", "the name behind the layer's number", s -> role(tensor.apply(s).name())),
        Column.count(
            "layer",
            "number of the layer; null outside layers",
            s -> layer(tensor.apply(s).name())),
        Column.text("dtype", "stored type", s -> tensor.apply(s).dtype().name()),
        Column.counts(
            "shape",
            "dimensions, the outermost first",
            s -> tensor.apply(s).shape().dims().stream().mapToLong(Long::longValue).toArray()));
  }

  private static String role(String name) {
    return TensorName.role(name);
  }

  private static @Nullable Long layer(String name) {
    return TensorName.layer(name).map(l -> (long) l.index()).orElse(null);
  }

  private static Column<TensorReport> number(
      String name, String doc, ToDoubleFunction<TensorStats> value) {
    return Column.number(name, doc, r -> r.stats() == null ? null : value.applyAsDouble(r.stats()));
  }

  private static Column<TensorReport> count(
      String name, String doc, ToLongFunction<TensorStats> value) {
    return Column.count(name, doc, r -> r.stats() == null ? null : value.applyAsLong(r.stats()));
  }

  private static Column<TensorReport> stored(
      String name, String doc, ToLongFunction<Stored> value) {
    return Column.count(name, doc, r -> r.stored() == null ? null : value.applyAsLong(r.stored()));
  }

  private static Column<TensorReport> counts(
      String name, String doc, Function<TensorStats, List<Long>> value) {
    return Column.counts(name, doc, r -> r.stats() == null ? null : longs(value.apply(r.stats())));
  }

  private static long[] longs(List<Long> counts) {
    return counts.stream().mapToLong(Long::longValue).toArray();
  }

  private static Column<TensorReport> share(
      String name, String doc, ToLongFunction<TensorStats> value) {
    return number(name, doc, s -> (double) value.applyAsLong(s) / s.counts().elements());
  }

  private static List<Column<TensorReport>> tensorColumns() {
    List<Column<TensorReport>> columns =
        new ArrayList<>(identity(TensorReport::model, TensorReport::tensor));
    columns.add(
        Column.text(
            "skipped", "why the tensor was not looked at; null if it was", TensorReport::skipped));
    columns.add(Column.count("elements", "all elements", r -> r.tensor().elements()));
    columns.add(
        Column.text(
            "digest",
            "digest of the stored bytes, 32 hexadecimal digits: the one that a merge's manifest has"
                + " and verify compares; dtype and shape are no part of it; null if skipped",
            r -> r.stored() == null ? null : r.stored().digest()));
    columns.addAll(bitColumns());
    columns.addAll(momentColumns());
    columns.addAll(spreadColumns());
    columns.addAll(sparsityColumns());
    columns.addAll(castColumns());
    columns.addAll(rowColumns());
    return columns;
  }

  private static List<Column<TensorReport>> bitColumns() {
    return List.of(
        count("positive", "finite elements above 0", s -> s.counts().positive()),
        count("negative", "finite elements below 0", s -> s.counts().negative()),
        count("zeros", "elements that are +0 or −0", s -> s.counts().zeros()),
        count("negative_zeros", "elements that are −0", s -> s.counts().negativeZeros()),
        count(
            "denormals",
            "elements below the least normal number of the stored type, other than 0",
            s -> s.counts().denormals()),
        count("nans", "elements that are NaN", s -> s.counts().nans()),
        count("positive_infinities", "elements that are +∞", s -> s.counts().positiveInfinities()),
        count("negative_infinities", "elements that are −∞", s -> s.counts().negativeInfinities()),
        number(
            "code_entropy",
            "Shannon entropy of all bits of an element, in bits: a bound of lossless compression;"
                + " NaN for F32 and F64",
            s -> s.entropy().code()),
        number(
            "exponent_entropy",
            "Shannon entropy of the exponent field, in bits",
            s -> s.entropy().exponent()),
        number(
            "mantissa_entropy",
            "Shannon entropy of the mantissa field, in bits; of F32 its upper 7 bits, of F64 its"
                + " upper 4",
            s -> s.entropy().mantissa()));
  }

  private static List<Column<TensorReport>> momentColumns() {
    return List.of(
        number("min", "the least value; +∞ if nothing is finite", TensorStats::min),
        number("max", "the greatest value; −∞ if nothing is finite", TensorStats::max),
        count(
            "argmin",
            "flat index of the first element that is min; −1 if none",
            TensorStats::argMin),
        count(
            "argmax",
            "flat index of the first element that is max; −1 if none",
            TensorStats::argMax),
        number("mean", "Σx / n", s -> s.moments().mean()),
        number("variance_population", "Σ(x − mean)² / n", s -> s.moments().variance()),
        number("variance_sample", "Σ(x − mean)² / (n − 1)", s -> s.moments().sampleVariance()),
        number(
            "std_population",
            "√ of the population's variance",
            s -> Math.sqrt(s.moments().variance())),
        number(
            "std_sample",
            "√ of the sample's variance",
            s -> Math.sqrt(s.moments().sampleVariance())),
        number("skewness_population", "m₃ / m₂^1.5", s -> s.moments().skewness()),
        number(
            "skewness_sample",
            "G₁ = √(n(n−1)) / (n−2) · m₃ / m₂^1.5",
            s -> s.moments().sampleSkewness()),
        number(
            "kurtosis_population",
            "excess kurtosis m₄ / m₂² − 3, as MoTHer has it (scipy.stats.kurtosis)",
            s -> s.moments().kurtosis()),
        number(
            "kurtosis_sample",
            "G₂, the unbiased excess kurtosis (scipy.stats.kurtosis, bias=False)",
            s -> s.moments().sampleKurtosis()),
        number("l1", "Σ|x|", TensorStats::l1),
        number("l2", "√Σx², the Frobenius norm", s -> Math.sqrt(s.squares())),
        number("squares", "Σx²; WeightWatcher's norm", TensorStats::squares),
        number("linf", "the greatest |x|", TensorStats::linf),
        number("rms", "√(Σx² / n)", TensorStats::rms));
  }

  private static List<Column<TensorReport>> spreadColumns() {
    List<Column<TensorReport>> columns = new ArrayList<>();
    for (int i = 0; i < Quantiles.VALUES.size(); i++) {
      int at = i;
      double q = Quantiles.VALUES.get(i);
      columns.add(
          number(
              "q" + digits(q),
              "the ⌈%s·n⌉-th value in ascending order; exact".formatted(q),
              s -> s.quantiles().get(at)));
    }
    for (int i = 0; i < Quantiles.MAGNITUDES.size(); i++) {
      int at = i;
      double q = Quantiles.MAGNITUDES.get(i);
      columns.add(
          number(
              "abs_q" + digits(q),
              "the ⌈%s·n⌉-th magnitude in ascending order; exact".formatted(q),
              s -> s.magnitudeQuantiles().get(at)));
    }
    for (int i = 0; i < TensorStats.OUTLIER_SIGMAS.size(); i++) {
      int at = i;
      int sigmas = TensorStats.OUTLIER_SIGMAS.get(i);
      columns.add(
          count(
              "beyond_%d_sigma".formatted(sigmas),
              "elements with |x − mean| > %d·std_population".formatted(sigmas),
              s -> s.outliers().get(at)));
    }
    columns.add(number("linf_over_rms", "max |x| / RMS", s -> s.linf() / s.rms()));
    columns.add(
        number(
            "ggd_shape",
            "ν of the generalised Gaussian with this E|x| and E[x²]: 2 Gaussian, 1 Laplace; from"
                + " 0.1 to 50",
            s -> s.shape().fit().shape()));
    columns.add(number("ggd_scale", "its scale α", s -> s.shape().fit().scale()));
    columns.add(
        number(
            "ggd_over_gaussian",
            "nats an element by which its mean log density exceeds that of the Gaussian of the same"
                + " E[x²]",
            s -> s.shape().overGaussian()));
    columns.add(
        number(
            "ggd_over_laplace",
            "likewise that of the Laplace distribution",
            s -> s.shape().overLaplace()));
    columns.add(
        counts(
            "log10_negative",
            "values below 0 in bins of a quarter decade of |x|: below 1e-12, then from 1e-12 to"
                + " 1e4, then above",
            s -> s.logHistogram().negative()));
    columns.add(
        counts("log10_positive", "values above 0, likewise", s -> s.logHistogram().positive()));
    return columns;
  }

  /** 0.999 as 999, 0.05 as 05. */
  private static String digits(double q) {
    return q == 0.5 ? "50" : q == 0.1 ? "10" : q == 0.9 ? "90" : String.valueOf(q).substring(2);
  }

  private static List<Column<TensorReport>> sparsityColumns() {
    return List.of(
        share("sparsity", "zeros / elements", s -> s.counts().zeros()),
        share(
            "sparsity_001_rms",
            "share of elements with |x| ≤ 0.01·RMS, zeros among them",
            s -> s.nearZeros().get(0)),
        share("sparsity_01_rms", "likewise |x| ≤ 0.1·RMS", s -> s.nearZeros().get(1)),
        number(
            "nm_2_4",
            "share of groups of 4 along the last dimension with at most 2 values other than 0; NaN"
                + " without groups",
            s -> s.nm(2, 4)),
        number("nm_1_4", "likewise at most 1 of 4", s -> s.nm(1, 4)),
        number("nm_4_8", "likewise at most 4 of 8", s -> s.nm(4, 8)),
        counts(
            "zeros_in_4",
            "groups of 4 by how many zeros they have, 0 to 4; an incomplete group at a row's end"
                + " counts nowhere",
            s -> s.zeroGroups().get(0)),
        counts("zeros_in_8", "groups of 8, likewise", s -> s.zeroGroups().get(1)));
  }

  private static List<Column<TensorReport>> castColumns() {
    List<Column<TensorReport>> columns = new ArrayList<>();
    for (int i = 0; i < FloatFormat.TARGETS.size(); i++) {
      int at = i;
      String format = FloatFormat.TARGETS.get(i).dtype().name();
      String name = format.toLowerCase(Locale.ROOT);
      columns.add(
          number(
              name + "_exact",
              "share of finite elements that %s has exactly".formatted(format),
              s -> (double) fit(s, at).exact() / s.counts().finite()));
      columns.add(
          count(
              name + "_overflows",
              "finite elements that a cast to %s, to nearest even, cannot hold".formatted(format),
              s -> fit(s, at).overflows()));
      columns.add(
          count(
              name + "_underflows",
              "elements other than 0 that a cast to %s makes 0".formatted(format),
              s -> fit(s, at).underflows()));
    }
    return columns;
  }

  private static Fit fit(TensorStats stats, int format) {
    return stats.fits().get(format);
  }

  private static List<Column<TensorReport>> rowColumns() {
    return List.of(
        count("rows", "indices of the first dimension; 0 for a vector", s -> s.rows().count()),
        count("zero_rows", "rows of zeros alone", s -> s.rows().zeros()),
        count("dead_rows", "rows of L2 norm below 1e-12 of the median", s -> s.rows().dead()),
        count(
            "weak_rows",
            "rows of L2 norm below a fifth of the median: in an embedding, tokens that were hardly"
                + " trained",
            s -> s.rows().weak()),
        count(
            "outlier_rows",
            "rows of L2 norm more than 3 standard deviations above the mean",
            s -> s.rows().outliers()),
        number("row_l2_min", "the least L2 norm of a row", s -> s.rows().min()),
        number("row_l2_median", "the median, the lower of two", s -> s.rows().median()),
        number("row_l2_max", "the greatest", s -> s.rows().max()),
        number(
            "row_l2_max_over_median",
            "greatest over median",
            s -> s.rows().max() / s.rows().median()),
        counts(
            "weakest_rows",
            "the 10 rows of least L2 norm, the least first",
            s -> s.rows().weakest()),
        stored(
            "repeated_rows",
            "rows that equal an earlier row bit for bit, rows of +0 alone aside: in an embedding,"
                + " tokens that were added as copies or never trained",
            Stored::repeatedRows),
        stored(
            "largest_row_group",
            "rows of the largest group of equal ones; 1 if all differ",
            Stored::largestRowGroup),
        stored(
            "largest_row_group_first",
            "the first row of that group; −1 without one",
            Stored::firstOfLargestRowGroup),
        count("zero_columns", "columns of zeros alone", s -> s.columns().zeros()),
        number(
            "column_linf_median",
            "the median of the columns' greatest magnitudes",
            s -> s.columns().median()),
        number(
            "column_linf_max_over_median",
            "the greatest over the median: outlier channels",
            s -> s.columns().max() / s.columns().median()));
  }

  private static Table<PartReport> parts(String table, String part, String meaning) {
    List<Column<PartReport>> columns =
        new ArrayList<>(identity(PartReport::model, PartReport::tensor));
    columns.add(Column.count(part, meaning, r -> r.part().index()));
    columns.addAll(
        List.of(
            Column.count("offset", "flat index of its first element", r -> r.part().offset()),
            Column.count("elements", "all elements", r -> r.part().elements()),
            Column.count("zeros", "elements that are ±0", r -> r.part().zeros()),
            Column.count("nans", "elements that are NaN", r -> r.part().nans()),
            Column.count("infinities", "elements that are ±∞", r -> r.part().infinities()),
            Column.count("denormals", "denormal elements", r -> r.part().denormals()),
            Column.number("min", "the least finite value; NaN if none", r -> r.part().min()),
            Column.number("max", "the greatest finite value; NaN if none", r -> r.part().max()),
            Column.number("mean", "Σx / n", r -> r.part().mean()),
            Column.number("variance_population", "Σ(x − mean)² / n", r -> r.part().variance()),
            Column.number("skewness_population", "m₃ / m₂^1.5", r -> r.part().skewness()),
            Column.number("kurtosis_population", "m₄ / m₂² − 3", r -> r.part().kurtosis()),
            Column.number("l1", "Σ|x|", r -> r.part().l1()),
            Column.number("l2", "√Σx²; NaN if nothing is finite", r -> r.part().l2()),
            Column.number("linf", "the greatest |x|", r -> r.part().linf())));
    return new Table<>(table, 1, "Statistics of each %s of each tensor.".formatted(part), columns);
  }
}
