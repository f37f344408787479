package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.linalg.Matrix;
import io.weightloom.tensor.DType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pruning against NumPy and PyTorch: see dev/golden/pruning.py. */
class PruningGoldenTest {
  private static final int ROWS = 10;
  private static final int COLUMNS = 24;
  private static final int TOKENS = 40;
  private static final Map<String, double[]> GOLDEN = read();

  private static Map<String, double[]> read() {
    Map<String, double[]> golden = new HashMap<>();
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(
                    PruningGoldenTest.class.getResourceAsStream("/golden/pruning.txt")),
                StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String[] words = line.split(" ", -1);
        if (!line.startsWith("#")) {
          golden.put(
              words[0], Arrays.stream(words).skip(1).mapToDouble(Double::parseDouble).toArray());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return golden;
  }

  private static double[] golden(String name) {
    return Objects.requireNonNull(GOLDEN.get(name), name);
  }

  /** The script's matrix. */
  private static Matrix matrix(int rows, int columns, long seed) {
    Matrix m = Matrix.zeros(rows, columns);
    for (long i = 0; i < rows; i++) {
      for (long j = 0; j < columns; j++) {
        double v = (37 * i + 101 * j + i * j * (7 + seed) + 13 * seed) % 1009 / 1009.0 - 0.5;
        m.values()[(int) (i * columns + j)] = (float) v;
      }
    }
    return m;
  }

  /** The script's matrix without equal magnitudes. */
  private static Matrix distinct(int rows, int columns, long seed) {
    Matrix m = matrix(rows, columns, seed);
    for (int i = 0; i < m.size(); i++) {
      m.values()[i] = (float) (m.values()[i] + (i + 1000 * seed) * 1e-6);
    }
    return m;
  }

  private static Matrix gram() {
    Matrix x = matrix(TOKENS, COLUMNS, 3);
    Matrix gram = Matrix.zeros(COLUMNS, COLUMNS);
    for (int t = 0; t < TOKENS; t++) {
      for (int i = 0; i < COLUMNS; i++) {
        for (int j = 0; j < COLUMNS; j++) {
          gram.values()[i * COLUMNS + j] += x.at(t, i) * x.at(t, j);
        }
      }
    }
    return gram;
  }

  private static double[] norms() {
    Matrix gram = gram();
    double[] norms = new double[COLUMNS];
    Arrays.setAll(norms, j -> Math.sqrt(gram.at(j, j)));
    return norms;
  }

  private static double[] mask(MergeInMemory method, Matrix weights) {
    return method
        .set("targets", "all")
        .set("output", "mask")
        .dtype(DType.F64)
        .shape("t0", weights.rows(), weights.columns())
        .tensor(weights.values(), weights.values())
        .run()
        .values();
  }

  @Test
  void wandaChoosesWhatTheReferenceFormulaDoes() {
    Matrix w = matrix(ROWS, COLUMNS, 0);
    MergeInMemory wanda =
        MergeInMemory.of("wanda")
            .set("sparsity", 0.4)
            .set("targets", "all")
            .set("output", "mask")
            .dtype(DType.F64)
            .shape("t0", ROWS, COLUMNS)
            .tensor(w.values(), w.values())
            .sides(norms());
    MergeInMemory groups =
        MergeInMemory.of("nm_pruning")
            .set("rank_by", "activation")
            .set("targets", "all")
            .set("output", "mask")
            .dtype(DType.F64)
            .shape("t0", ROWS, COLUMNS)
            .tensor(w.values(), w.values())
            .sides(norms());

    assertThat(wanda.run().values()).isEqualTo(golden("wanda"));
    assertThat(groups.run().values()).isEqualTo(golden("wanda_24"));
  }

  @Test
  void groupsOfAnySize() {
    Matrix w = Matrix.zeros(ROWS, 21);
    Matrix all = matrix(ROWS, COLUMNS, 0);
    for (int i = 0; i < ROWS; i++) {
      System.arraycopy(all.values(), i * COLUMNS, w.values(), i * 21, 21);
    }

    assertThat(mask(MergeInMemory.of("nm_pruning").set("n", 3.0).set("m", 7.0), w))
        .isEqualTo(golden("magnitude_37"));
  }

  @ParameterizedTest
  @CsvSource({
    "sparsegpt, unstructured, 8, 0.01, 0.5",
    "sparsegpt_one_block, unstructured, 128, 0.01, 0.3",
    "sparsegpt_24, nm, 8, 0.1, 0.5"
  })
  void sparseGptMendsAsTheBrainSurgeonDoes(
      String name, String pattern, double block, double damp, double sparsity) {
    MatrixInMemory.Result result =
        MatrixInMemory.of("sparsegpt")
            .set("pattern", pattern)
            .set("block", block)
            .set("damp", damp)
            .set("sparsity", sparsity)
            .set("error", "relative")
            .grams(gram())
            .run(null, matrix(ROWS, COLUMNS, 0));

    assertThat(result.values()).containsExactly(golden(name), Offset.offset(1e-9));
    if (name.equals("sparsegpt")) {
      assertThat((Double) result.decisions().get("relative_error"))
          .isCloseTo(golden("sparsegpt_error")[0], Offset.offset(1e-9))
          .isLessThan(golden("magnitude_error")[0]);
    }
  }

  @Test
  void anyMasksReconstructionErrorIsMeasured() {
    Matrix dense = matrix(ROWS, COLUMNS, 0);
    Matrix pruned = new Matrix(ROWS, COLUMNS, golden("sparsegpt").clone());

    MatrixInMemory.Result result =
        MatrixInMemory.of("reconstruction_error").grams(gram()).run(null, dense, pruned);

    assertThat(result.values()).isEqualTo(golden("sparsegpt"));
    assertThat((Double) result.decisions().get("relative_error"))
        .isCloseTo(golden("sparsegpt_error")[0], Offset.offset(1e-12));
  }

  @ParameterizedTest
  @CsvSource({"model, torch_global", "tensor, torch_layer"})
  void withoutTiesTheMaskIsTorchs(String scope, String name) {
    MergeInMemory merge =
        MergeInMemory.of("magnitude_pruning")
            .variant("torch")
            .set("sparsity", 0.37)
            .set("scope", scope)
            .set("targets", "all")
            .set("output", "mask")
            .dtype(DType.F32);
    List<Matrix> layers =
        List.of(distinct(ROWS, COLUMNS, 0), distinct(7, 30, 1), distinct(16, 5, 2));
    layers.forEach(m -> merge.tensor(m.values(), m.values()));
    MergeInMemory.Result result = merge.run();
    double[] all =
        java.util.stream.IntStream.range(0, 3)
            .mapToObj(result::values)
            .flatMapToDouble(Arrays::stream)
            .toArray();

    assertThat(all).isEqualTo(golden(name));
  }
}
