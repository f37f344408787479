package io.weightloom.spectrum;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/** The columns of a row, under WeightWatcher's names where it has them. */
public final class SpectrumTable {
  private static final double WEAK = 1e-6;

  private SpectrumTable() {}

  /**
   * The table.
   *
   * @param thresholds the t of column {@code welore_reduction} for each model; none, no column
   * @param epsilon below which {@code rank_deficiency} counts singular values; 0, no column
   * @param withValues whether there is a column of all eigenvalues
   */
  public static Table<SpectrumRow> of(
      Map<String, Double> thresholds, double epsilon, boolean withValues) {
    List<Column<SpectrumRow>> columns = new ArrayList<>();
    columns.addAll(what());
    columns.addAll(size());
    columns.addAll(powerLaw());
    columns.addAll(ranks());
    columns.addAll(bulk());
    columns.addAll(randomized());
    if (!thresholds.isEmpty()) {
      columns.addAll(welore(thresholds));
    }
    if (epsilon > 0) {
      columns.add(
          whole(
              "rank_deficiency",
              "#{σ < ε}; of a Gram matrix the eigenvalues below ε",
              MatrixSpectrum::spectrum,
              s -> s.below(epsilon * epsilon)));
    }
    if (withValues) {
      columns.add(
          Column.numbers(
              "eigenvalues",
              "λ = σ² in ascending order",
              r -> r.spectrum().map(Spectrum::values).orElse(null)));
    }
    return new Table<>("spectrum", 1, "a matrix of a model, or why it has no spectrum", columns);
  }

  private static List<Column<SpectrumRow>> welore(Map<String, Double> thresholds) {
    return List.of(
        Column.number("welore_threshold", "WeLore's threshold t", r -> thresholds.get(r.model())),
        Column.number(
            "welore_reduction",
            "share of σ̃ = (σ−σ_min)/(σ_max−σ_min) below t",
            r -> {
              Double threshold = thresholds.get(r.model());
              Spectrum spectrum = r.spectrum().orElse(null);
              return threshold == null || spectrum == null
                  ? null
                  : (Double) WeLore.reduction(spectrum.sigmas(), threshold);
            }));
  }

  private static List<Column<SpectrumRow>> what() {
    return List.of(
        Column.text("model", "the model", SpectrumRow::model),
        Column.text("base", "what was subtracted; null if nothing", SpectrumRow::base),
        Column.text("tensor", "name of the tensor", r -> r.tensor().name()),
        Column.count(
            "slice",
            "which matrix of a tensor of several, such as fused experts; null if it is one",
            r -> atLeastZero(r.slice())),
        Column.count("layer", "number of the layer; null outside", r -> atLeastZero(r.layer())),
        Column.text("role", "what the tensor is for, whatever its layer", SpectrumRow::role),
        Column.text("dtype", "stored type", r -> r.tensor().dtype().name()),
        Column.counts(
            "shape",
            "dimensions of the tensor",
            r -> r.tensor().shape().dims().stream().mapToLong(Long::longValue).toArray()),
        Column.text("status", "ok or skipped", r -> r.found().isPresent() ? "ok" : "skipped"),
        Column.text("reason", "why it was skipped; empty for ok", SpectrumRow::reason),
        Column.text(
            "method",
            "gram (eigenvalues of the Gram matrix), svd, or lanczos (λ_max alone)",
            r -> r.found().map(MatrixSpectrum::method).orElse(null)));
  }

  private static List<Column<SpectrumRow>> size() {
    return List.of(
        whole("n", "N, the larger dimension", m -> m.view().larger()),
        whole("m", "M, the smaller dimension", m -> m.view().smaller()),
        number("q", "N/M", m -> (double) m.view().larger() / m.view().smaller()),
        whole("rf", "pooled slices of a convolution, kh·kw", m -> m.view().taps()),
        whole("num_evals", "eigenvalues, M·rf", MatrixSpectrum::spectrum, Spectrum::count),
        number("norm", "Σλ = ‖W‖_F², the square of the Frobenius norm", MatrixSpectrum::norm),
        number("log_norm", "log₁₀ Σλ", m -> Math.log10(m.norm())),
        number("spectral_norm", "λ_max, the square of σ_max", MatrixSpectrum::largest),
        number("log_spectral_norm", "log₁₀ λ_max", m -> Math.log10(m.largest())),
        number("stable_rank", "Σλ/λ_max", MatrixSpectrum::stableRank),
        number("sv_max", "σ_max", m -> Math.sqrt(m.largest())),
        number(
            "sv_min",
            "σ_min; of a convolution's slices the largest one",
            MatrixSpectrum::spectrum,
            Spectrum::leastSigma));
  }

  private static List<Column<SpectrumRow>> powerLaw() {
    Function<MatrixSpectrum, @Nullable PowerLaw> law = MatrixSpectrum::powerLaw;
    return List.of(
        number("alpha", "exponent of the power law fitted to the tail", law, PowerLaw::alpha),
        number("xmin", "where the tail begins", law, PowerLaw::xmin),
        number("xmax", "the largest λ of the fit", law, PowerLaw::xmax),
        number("d", "Kolmogorov–Smirnov distance of tail and fit", law, PowerLaw::distance),
        number("sigma", "standard error (alpha − 1)/√tail", law, PowerLaw::sigma),
        whole("num_pl_spikes", "eigenvalues at or above xmin", MatrixSpectrum::tail),
        whole("num_fingers", "clipped eigenvalues less one", law, PowerLaw::clipped),
        number("raw_alpha", "alpha with fingers", law, PowerLaw::rawAlpha),
        number("alpha_weighted", "alpha · log₁₀ λ_max", MatrixSpectrum::alphaWeighted),
        number("log_alpha_norm", "log₁₀ Σ λ^alpha", MatrixSpectrum::logAlphaNorm),
        Column.text(
            "warning",
            "over-trained for alpha below 2, under-trained above 6",
            r -> r.found().map(MatrixSpectrum::powerLaw).map(PowerLaw::warning).orElse(null)));
  }

  private static List<Column<SpectrumRow>> ranks() {
    Function<MatrixSpectrum, @Nullable Ranks> ranks = MatrixSpectrum::ranks;
    Function<MatrixSpectrum, @Nullable Spectrum> spectrum = MatrixSpectrum::spectrum;
    return List.of(
        whole(
            "matrix_rank",
            "#{σ > σ_max·N·2⁻⁵²}; by Gram matrix #{λ > λ_max·N·2⁻⁵²}",
            m -> m.spectrum() == null ? null : (Integer) m.rank()),
        whole(
            "rank_loss", "singular values that are zero to rounding", spectrum, Spectrum::rankLoss),
        whole("weak_rank_loss", "#{λ < 1e-6}", spectrum, s -> s.below(WEAK)),
        whole(
            "lora_rank",
            "rank of the difference above what rounding to the stored type leaves,"
                + " #{σ > √(largest row's Σ ulp²/12) + √(largest column's)}; null without a base",
            m -> m.loraRank() < 0 ? null : (Integer) m.loraRank()),
        number("entropy", "−Σ p ln p / ln rank, p = λ/Σλ", MatrixSpectrum::entropy),
        number("effective_rank_sigma", "exp(−Σ p ln p), p = σ/Σσ", ranks, Ranks::effectiveSigma),
        number("effective_rank_lambda", "exp(−Σ p ln p), p = λ/Σλ", ranks, Ranks::effectiveLambda),
        whole("r90", "least k with 90 % of Σλ in the k largest", ranks, Ranks::energy90),
        whole("r99", "least k with 99 % of Σλ in the k largest", ranks, Ranks::energy99),
        number("nuclear_norm", "Σσ", ranks, Ranks::nuclearNorm),
        number("condition_number", "σ_max/σ_min", ranks, Ranks::condition));
  }

  private static List<Column<SpectrumRow>> bulk() {
    Function<MatrixSpectrum, @Nullable MarchenkoPastur> bulk = MatrixSpectrum::bulk;
    return List.of(
        whole("num_spikes", "λ beyond the bulk's edge", bulk, MarchenkoPastur::spikes),
        number(
            "sigma_mp",
            "σ of the Marchenko–Pastur law of λ scaled to a mean of 1",
            bulk,
            MarchenkoPastur::sigma),
        number(
            "mp_softrank",
            "λ₊/λ_max; above 1 where the law overshoots",
            bulk,
            MarchenkoPastur::softRank),
        number("bulk_min", "the bulk's lower edge", bulk, MarchenkoPastur::lower),
        number("bulk_max", "the bulk's upper edge λ₊", bulk, MarchenkoPastur::upper),
        number("w_scale", "√(num_evals/Σλ)", bulk, MarchenkoPastur::scale),
        whole(
            "detx_num",
            "how many of the largest λ, scaled to a mean of 1, have a product below 1",
            MatrixSpectrum::detX,
            DetX::count),
        number("detx_val", "the smallest of them", MatrixSpectrum::detX, DetX::value));
  }

  private static List<Column<SpectrumRow>> randomized() {
    Function<MatrixSpectrum, @Nullable Randomized> chance = MatrixSpectrum::randomized;
    return List.of(
        whole(
            "rand_num_spikes",
            "spikes of the shuffled matrix: correlation traps",
            chance,
            r -> r.bulk().spikes()),
        number("max_rand_eval", "λ_max of the shuffled matrix", chance, Randomized::largest),
        number("ww_softrank", "max_rand_eval/λ_max", chance, Randomized::softRank),
        number("ww_maxdist", "λ_max − max_rand_eval", chance, Randomized::gap),
        number(
            "rand_distance",
            "Jensen–Shannon distance of both spectra, in nats",
            chance,
            Randomized::distance),
        number("rand_sigma_mp", "its sigma_mp", chance, r -> r.bulk().sigma()),
        number("rand_mp_softrank", "its mp_softrank", chance, r -> r.bulk().softRank()),
        number("rand_bulk_min", "its bulk_min", chance, r -> r.bulk().lower()),
        number("rand_bulk_max", "its bulk_max", chance, r -> r.bulk().upper()));
  }

  private static @Nullable Long atLeastZero(int value) {
    return value < 0 ? null : Long.valueOf(value);
  }

  private static Column<SpectrumRow> number(
      String name, String doc, Function<MatrixSpectrum, @Nullable Double> value) {
    return Column.number(
        name,
        doc,
        r -> {
          MatrixSpectrum found = r.found().orElse(null);
          return found == null ? null : value.apply(found);
        });
  }

  private static Column<SpectrumRow> whole(
      String name, String doc, Function<MatrixSpectrum, @Nullable Integer> value) {
    return Column.count(
        name,
        doc,
        r -> {
          MatrixSpectrum found = r.found().orElse(null);
          Integer count = found == null ? null : value.apply(found);
          return count == null ? null : count.longValue();
        });
  }

  private static <T> Column<SpectrumRow> number(
      String name,
      String doc,
      Function<MatrixSpectrum, @Nullable T> part,
      ToDoubleFunction<T> value) {
    return number(
        name,
        doc,
        m -> {
          T found = part.apply(m);
          return found == null ? null : (Double) value.applyAsDouble(found);
        });
  }

  private static <T> Column<SpectrumRow> whole(
      String name, String doc, Function<MatrixSpectrum, @Nullable T> part, ToIntFunction<T> value) {
    return whole(
        name,
        doc,
        m -> {
          T found = part.apply(m);
          return found == null ? null : (Integer) value.applyAsInt(found);
        });
  }
}
