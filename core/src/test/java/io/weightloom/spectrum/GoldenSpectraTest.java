package io.weightloom.spectrum;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.analysis.Column;
import io.weightloom.analysis.Table;
import io.weightloom.spectrum.PowerLaw.Fingers;
import io.weightloom.spectrum.SpectrumOptions.Extent;
import io.weightloom.spectrum.SpectrumOptions.Mode;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.TensorSpec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A whole state dict as WeightWatcher 0.7.7 analyses it: {@code dev/golden/spectrum.py} ran it on
 * these tensors and wrote every column down, and which tensors it dropped.
 */
class GoldenSpectraTest {
  private static final String FILE = "/golden/weightwatcher/spectra.tsv";

  /** What SciPy's simplex leaves open. */
  private static final Set<String> FITTED =
      Set.of("sigma_mp", "mp_softrank", "bulk_min", "bulk_max");

  private static final Map<String, TensorSpec> TENSORS = tensors();
  private static final Map<String, List<SpectrumRow>> RUNS = new LinkedHashMap<>();

  private static Map<String, TensorSpec> tensors() {
    Map<String, TensorSpec> out = new LinkedHashMap<>();
    for (TensorSpec spec :
        List.of(
            Matrices.spec("a.weight", DType.F32, 120, 60),
            Matrices.spec("b.weight", DType.F32, 60, 120),
            Matrices.spec("c.weight", DType.F32, 80, 80),
            Matrices.spec("tall.weight", DType.F32, 400, 25),
            Matrices.spec("conv.weight", DType.F32, 24, 18, 3, 3),
            Matrices.spec("point.weight", DType.F32, 40, 30, 1, 1),
            Matrices.spec("narrow.weight", DType.F32, 40, 9),
            Matrices.spec("long.weight", DType.F32, 50001, 12),
            Matrices.spec("experts.weight", DType.F32, 4, 20, 20),
            Matrices.spec("norm.weight", DType.F32, 64),
            Matrices.spec("q_proj", DType.F32, 40, 40),
            Matrices.spec("tiny.weight", DType.F32, 30, 7))) {
      out.put(spec.name(), spec);
    }
    return out;
  }

  private static Fingers fingers(String run) {
    return switch (run) {
      case "clip_xmax" -> Fingers.CLIPPED;
      case "xmin_peak" -> Fingers.FROM_PEAK;
      default -> Fingers.KEPT;
    };
  }

  private static List<SpectrumRow> rows(Fingers fingers) {
    SpectrumOptions options =
        new SpectrumOptions(
            Mode.WEIGHTWATCHER, Extent.SPECTRUM, false, true, true, false, fingers, 0, 0, 0);
    Eligibility eligibility = new Eligibility(options, TENSORS.keySet());
    List<SpectrumRow> rows = new ArrayList<>();
    int seed = 0;
    for (TensorSpec spec : TENSORS.values()) {
      String reason = eligibility.reason(spec).orElse("");
      rows.add(
          reason.isEmpty()
              ? SpectrumRow.of("m", null, spec, found(options, spec, seed))
              : SpectrumRow.skipped("m", null, spec, reason));
      seed++;
    }
    return rows;
  }

  /** Tensors of four dimensions are made as matrices of the first by the others. */
  private static MatrixSpectrum found(SpectrumOptions options, TensorSpec spec, int seed) {
    int rows = Math.toIntExact(spec.shape().dims().get(0));
    int columns = Math.toIntExact(spec.elements() / rows);
    return Matrices.scan(options, spec, Matrices.formula(rows, columns, seed));
  }

  static Stream<Arguments> lines() throws IOException {
    InputStream in =
        Objects.requireNonNull(GoldenSpectraTest.class.getResourceAsStream(FILE), FILE);
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      return reader
          .lines()
          .filter(l -> !l.startsWith("#") && !l.startsWith("run\t"))
          .map(l -> l.split("\t", -1))
          .map(p -> Arguments.of(p[0], p[1], p[2], p[3]))
          .toList()
          .stream();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("lines")
  void columnIsWeightWatchers(String run, String tensor, String column, String expected) {
    List<SpectrumRow> rows = RUNS.computeIfAbsent(run, r -> rows(fingers(r)));
    if (tensor.equals("summary")) {
      Double mean = SpectrumSummary.of(rows).get(column);
      if (mean != null) {
        assertClose(column, mean, Double.parseDouble(expected));
      }
      return;
    }
    SpectrumRow row =
        rows.stream().filter(r -> r.tensor().name().equals(tensor)).findFirst().orElseThrow();
    if (column.equals("skipped")) {
      assertThat(row.reason()).isNotEmpty();
      return;
    }
    Object found = value(row, column.toLowerCase(Locale.ROOT));
    if (found instanceof String text) {
      assertThat(text).isEqualTo(expected);
    } else {
      assertClose(
          column,
          ((Number) Objects.requireNonNull(found)).doubleValue(),
          Double.parseDouble(expected));
    }
  }

  private static @Nullable Object value(SpectrumRow row, String column) {
    Table<SpectrumRow> table = SpectrumTable.of(Map.of(), 0, false);
    int at = table.columns().stream().map(Column::name).toList().indexOf(column);
    return table.of(List.of(row)).rows().get(0).get(at);
  }

  private static void assertClose(String column, double found, double expected) {
    double within = FITTED.contains(column) ? 1e-3 : 1e-6;
    double scale = Math.max(1, Math.abs(expected));
    assertThat(found).isCloseTo(expected, Offset.offset(within * scale));
  }
}
