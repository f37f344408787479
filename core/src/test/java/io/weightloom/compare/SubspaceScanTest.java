package io.weightloom.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.analysis.Goldens;
import io.weightloom.analysis.InMemory;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.merge.Stored;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The golden values are those of dev/golden/statistics.py. */
class SubspaceScanTest {
  private static final Goldens GOLDEN = Goldens.of("subspaces");

  private static List<SubspaceScan.Overlap> overlaps(
      DType dtype, int directions, long rows, long columns, byte[]... data) {
    TensorSpec tensor = new TensorSpec("w", dtype, Shape.of(rows, columns));
    return InMemory.scan(
            new SubspaceScan(directions, LinAlgRegistry.get().name()),
            Collections.nCopies(data.length, tensor),
            data)
        .overlaps();
  }

  @ParameterizedTest
  @CsvSource({"0, BF16", "0, F32", "1, BF16", "1, F32", "2, BF16", "2, F32", "3, BF16", "3, F32"})
  void overlapsAreThoseOfNumPy(int which, DType dtype) {
    long[] shape = GOLDEN.counts(which + ".shape");
    byte[][] data = new byte[3][];
    for (int k = 0; k < data.length; k++) {
      data[k] = GOLDEN.bytes("%d.%s.bytes.%d".formatted(which, dtype, k));
    }
    int directions = (int) GOLDEN.count("directions");
    List<SubspaceScan.Overlap> found = overlaps(dtype, directions, shape[0], shape[1], data);
    double[] expected = GOLDEN.numbers("%d.%s.overlap".formatted(which, dtype));

    assertThat(found).hasSize(1);
    assertThat(found.get(0).first()).isEqualTo(1);
    assertThat(found.get(0).second()).isEqualTo(2);
    assertThat(found.get(0).directions()).isEqualTo(directions);
    assertThat(found.get(0).left()).isCloseTo(expected[0], within(1e-9));
    assertThat(found.get(0).right()).isCloseTo(expected[1], within(1e-9));
    double[] cka = GOLDEN.numbers("%d.%s.cka".formatted(which, dtype));
    assertThat(found.get(0).leftCka()).isCloseTo(cka[0], within(1e-12));
    assertThat(found.get(0).rightCka()).isCloseTo(cka[1], within(1e-12));
  }

  /** τ of a model writes into row 0 what it reads from columns 0 and 1, and so on. */
  @Test
  void aSubspaceHasNoMoreDirectionsThanTheMatrix() {
    byte[] base = new byte[4 * 12];
    byte[] a = Stored.of(DType.F32, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0).bytes();
    byte[] b = Stored.of(DType.F32, 3, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0).bytes();
    byte[] c = Stored.of(DType.F32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5).bytes();
    byte[] zero = base.clone();
    List<SubspaceScan.Overlap> found = overlaps(DType.F32, 7, 3, 4, base, a, b, c, zero);

    assertThat(found).hasSize(6);
    // One direction of a against the larger one of b: (1, 1)/√2 against the first column.
    assertThat(found.get(0).directions()).isEqualTo(1);
    assertThat(found.get(0).left()).isCloseTo(1, within(1e-12));
    assertThat(found.get(0).right()).isCloseTo(0.5, within(1e-12));
    assertThat(found.get(1).left()).isCloseTo(0, within(1e-12));
    assertThat(found.get(1).right()).isCloseTo(0, within(1e-12));
    assertThat(found.get(2).directions()).isZero();
    assertThat(found.get(2).left()).isNaN();
    assertThat(found.get(2).leftCka()).isNaN();
    // Both write into row 0, b into row 1 too: 9·2 over 2·√(81 + 16).
    assertThat(found.get(0).leftCka()).isCloseTo(9 / Math.sqrt(97), within(1e-12));
    assertThat(found.get(1).leftCka()).isZero();
  }

  @Test
  void whatIsNoMatrixHasAReason() {
    assertThat(SubspaceScan.reason(new TensorSpec("w", DType.F32, Shape.of(3))))
        .contains("no matrix");
    assertThat(SubspaceScan.reason(new TensorSpec("w", DType.F32, Shape.of(50_000, 60_000))))
        .contains("too wide");
    assertThat(SubspaceScan.reason(new TensorSpec("w", DType.F32, Shape.of(3, 4)))).isNull();
  }
}
