package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.job.SpectrumJob;
import io.weightloom.spectrum.PowerLaw.Fingers;
import io.weightloom.spectrum.Spectrum;
import io.weightloom.spectrum.SpectrumOptions;
import io.weightloom.spectrum.SpectrumOptions.Extent;
import io.weightloom.spectrum.SpectrumOptions.Mode;
import io.weightloom.spectrum.SpectrumRow;
import io.weightloom.spectrum.SpectrumSummary;
import io.weightloom.spectrum.SpectrumTable;
import io.weightloom.spectrum.WeLore;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom spectrum}. */
@Command(
    name = "spectrum",
    description =
        "Singular values of every matrix, or of what it changed against a base: power-law exponents,"
            + " ranks, norms, Marchenko-Pastur bulk, by WeightWatcher's formulas.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom spectrum org/name",
      "  weightloom spectrum math code --base base --to results    rank and shape of what each changed",
      "  weightloom spectrum org/name --mode weightwatcher --output json",
      "  weightloom spectrum org/name --only spectral-norm --tensors '*.mlp.*'",
      "  weightloom spectrum org/name --welore-reduction 0.5       the ranks that WeLore would leave",
      "  weightloom spectrum grams.safetensors --epsilon 1e-6      directions that activations leave out",
    })
final class SpectrumCommand implements Callable<Integer> {

  /** What {@code --only} may name. */
  enum Only {
    SPECTRAL_NORM;

    @Override
    public String toString() {
      return "spectral-norm";
    }
  }

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description = "directories, safetensors files or names in the Hugging Face cache")
  private List<String> models = List.of();

  @Option(
      names = "--base",
      paramLabel = "MODEL",
      description = "look at what each model changed against this one, tensor by tensor")
  private @Nullable String base;

  @Option(
      names = "--mode",
      paramLabel = "relative|weightwatcher",
      defaultValue = "relative",
      description =
          "relative: every matrix, thresholds relative to the largest eigenvalue (default);"
              + " weightwatcher: its absolute threshold of 1e-5, its factors, and only what it analyses")
  private Mode mode = Mode.RELATIVE;

  @Option(
      names = "--only",
      paramLabel = "spectral-norm",
      converter = OnlyConverter.class,
      description = "spectral-norm: the largest singular value, norm and stable rank; much faster")
  private @Nullable Only only;

  @Option(
      names = "--svd",
      description = "a full decomposition instead of a Gram matrix: slow, small values are exact")
  private boolean svd;

  @Option(names = "--no-bulk", description = "leave the Marchenko-Pastur fit and detX out")
  private boolean noBulk;

  @Option(
      names = "--randomize",
      description = "also look at each matrix with its elements in random order")
  private boolean randomize;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "of --randomize (default: 0)")
  private long seed;

  @Option(
      names = "--clip-xmax",
      description =
          "leave up to nine of the largest eigenvalues out where that lowers alpha by more than 1")
  private boolean clipFingers;

  @Option(
      names = "--xmin-peak",
      description =
          "let the power law begin near the peak of the density of log10 of the eigenvalues")
  private boolean fromPeak;

  @Option(
      names = "--xmax",
      paramLabel = "K",
      defaultValue = "0",
      description = "leave the K largest eigenvalues out of the power law")
  private int clip;

  @Option(
      names = "--threshold",
      paramLabel = "SHARE",
      defaultValue = "0",
      description =
          "leave eigenvalues up to this share of the largest out of the power law (default: N·2^-52)")
  private double threshold;

  @Option(
      names = "--welore",
      paramLabel = "T",
      description = "WeLore's threshold: the share of singular values below it, for each matrix")
  private @Nullable Double welore;

  @Option(
      names = "--welore-reduction",
      paramLabel = "SHARE",
      description = "find the threshold for this mean share")
  private @Nullable Double weloreReduction;

  @Option(
      names = "--epsilon",
      paramLabel = "E",
      defaultValue = "0",
      description =
          "count the singular values below E, in column rank_deficiency; decomposes as --svd does")
  private double epsilon;

  @Option(names = "--eigenvalues", description = "add a column of all eigenvalues")
  private boolean eigenvalues;

  @Option(
      names = "--esd",
      paramLabel = "N",
      defaultValue = "4",
      description =
          "how many densities --plot draws, those of the oddest alphas first (default: 4)")
  private int densities;

  @Mixin private AnalysisOptions analysis = new AnalysisOptions();

  @Override
  public Integer call() {
    SpectrumOptions options = options();
    SpectrumJob.Model subtracted =
        base == null ? null : new SpectrumJob.Model(base, AnalysisOptions.open(base), List.of());
    List<SpectrumJob.Model> wanted = models.stream().map(this::model).toList();
    SpectrumJob.Request request =
        new SpectrumJob.Request(wanted, subtracted, options, analysis.job().progress());
    return analysis.run(
        List.of(SpectrumTable.of(Map.of(), epsilon, eigenvalues), SpectrumSummary.table(Map.of())),
        spark -> findings(SpectrumJob.run(spark, request)));
  }

  private SpectrumJob.Model model(String name) {
    ModelDir dir = AnalysisOptions.open(name);
    return new SpectrumJob.Model(name, dir, analysis.wanted("analyse", name, dir));
  }

  private SpectrumOptions options() {
    require(
        threshold >= 0 && threshold < 1, "--threshold %s", threshold, "it is a share in [0, 1)");
    require(clip >= 0, "--xmax %s", clip, "it is a number of eigenvalues");
    require(densities >= 0, "--esd %s", densities, "it is a number of pictures");
    require(
        weloreReduction == null || (weloreReduction >= 0 && weloreReduction <= 1),
        "--welore-reduction %s",
        weloreReduction,
        "it is a share in [0, 1]");
    require(
        welore == null || weloreReduction == null,
        "--welore %s",
        welore,
        "--welore-reduction finds the threshold (pass one of them)");
    require(
        epsilon >= 0 && epsilon < Double.POSITIVE_INFINITY,
        "--epsilon %s",
        epsilon,
        "it is a bound of singular values, 0 or more");
    require(
        !fromPeak || !clipFingers,
        "--xmin-peak",
        null,
        "--clip-xmax is another remedy (pass one of them)");
    boolean full = svd || epsilon > 0;
    boolean more = full || randomize || welore != null || weloreReduction != null || eigenvalues;
    require(
        only == null || !more,
        "--only %s",
        only,
        "it computes one eigenvalue, and --svd, --epsilon, --randomize, --welore and --eigenvalues"
            + " need all");
    return new SpectrumOptions(
        mode,
        only == null ? Extent.SPECTRUM : Extent.SPECTRAL_NORM,
        full,
        !noBulk,
        !noBulk,
        randomize,
        fromPeak ? Fingers.FROM_PEAK : clipFingers ? Fingers.CLIPPED : Fingers.KEPT,
        clip,
        threshold,
        seed);
  }

  private static void require(boolean holds, String what, @Nullable Object value, String why) {
    if (!holds) {
      throw WeightloomException.usage(
          "Cannot use %s: %s (see weightloom spectrum --help)"
              .formatted(what.formatted(value), why));
    }
  }

  private AnalysisOptions.Findings findings(List<SpectrumRow> rows) {
    Map<String, List<SpectrumRow>> byModel =
        rows.stream()
            .collect(
                Collectors.groupingBy(SpectrumRow::model, LinkedHashMap::new, Collectors.toList()));
    Map<String, Double> thresholds = thresholds(byModel);
    return new AnalysisOptions.Findings(
        List.of(
            SpectrumTable.of(thresholds, epsilon, eigenvalues).of(rows),
            SpectrumSummary.table(thresholds).of(List.copyOf(byModel.entrySet()))),
        () -> text(byModel, thresholds),
        () -> pictures(byModel));
  }

  private static String text(
      Map<String, List<SpectrumRow>> byModel, Map<String, Double> thresholds) {
    StringBuilder out = new StringBuilder();
    byModel.forEach(
        (model, rows) -> {
          out.append(out.isEmpty() ? "" : "\n").append(SpectrumText.of(model, rows));
          Double t = thresholds.get(model);
          out.append(t == null ? "" : "\nWeLore: t = %.6g%n".formatted(t));
        });
    return out.toString();
  }

  private Map<String, String> pictures(Map<String, List<SpectrumRow>> byModel) {
    Map<String, String> out = new LinkedHashMap<>();
    byModel.forEach(
        (model, rows) ->
            SpectrumPlots.of(model, rows, densities)
                .forEach(
                    (name, svg) -> out.put(byModel.size() == 1 ? name : model + "-" + name, svg)));
    return out;
  }

  private Map<String, Double> thresholds(Map<String, List<SpectrumRow>> byModel) {
    Map<String, Double> out = new LinkedHashMap<>();
    byModel.forEach(
        (model, rows) -> {
          List<double[]> sigmas =
              rows.stream().flatMap(r -> r.spectrum().stream()).map(Spectrum::sigmas).toList();
          if (welore != null) {
            out.put(model, welore);
          } else if (weloreReduction != null && !sigmas.isEmpty()) {
            out.put(model, WeLore.threshold(sigmas, weloreReduction));
          }
        });
    return out;
  }

  private static final class OnlyConverter implements picocli.CommandLine.ITypeConverter<Only> {
    @Override
    public Only convert(String value) {
      if (!value.equals("spectral-norm")) {
        throw new picocli.CommandLine.TypeConversionException(
            "'%s' is not spectral-norm".formatted(value));
      }
      return Only.SPECTRAL_NORM;
    }
  }
}
