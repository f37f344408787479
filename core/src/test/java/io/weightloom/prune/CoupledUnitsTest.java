package io.weightloom.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.error.WeightloomException;
import io.weightloom.prune.CoupledUnits.Layer;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Units that tensors share, and their norms. */
class CoupledUnitsTest {
  private static final String LAYER = "model.layers.%d.";

  private static TensorSpec tensor(String name, long... dims) {
    return new TensorSpec(name, DType.BF16, Shape.of(dims));
  }

  /** Two layers of 12 channels, 4 heads on 2 key and value heads of 3 elements, 8 wide. */
  private static List<TensorSpec> llama() {
    List<TensorSpec> all = new ArrayList<>();
    all.add(tensor("model.embed_tokens.weight", 32, 8));
    for (int i = 0; i < 2; i++) {
      String layer = LAYER.formatted(i);
      all.add(tensor(layer + "input_layernorm.weight", 8));
      all.add(tensor(layer + "mlp.down_proj.weight", 8, 12));
      all.add(tensor(layer + "mlp.down_proj.bias", 8));
      all.add(tensor(layer + "mlp.gate_proj.weight", 12, 8));
      all.add(tensor(layer + "mlp.up_proj.weight", 12, 8));
      all.add(tensor(layer + "mlp.up_proj.bias", 12));
      all.add(tensor(layer + "self_attn.k_norm.weight", 3));
      all.add(tensor(layer + "self_attn.k_proj.weight", 6, 8));
      all.add(tensor(layer + "self_attn.o_proj.weight", 8, 12));
      all.add(tensor(layer + "self_attn.q_proj.weight", 12, 8));
      all.add(tensor(layer + "self_attn.q_proj.bias", 12));
      all.add(tensor(layer + "self_attn.v_proj.weight", 6, 8));
    }
    return all;
  }

  private static List<String> names(Layer layer) {
    return layer.parts().stream().map(p -> p.tensor().name() + " " + p.dim()).toList();
  }

  @Test
  void channelsAreRowsOfGateAndUpAndColumnsOfDown() {
    CoupledUnits units = CoupledUnits.channels("m", llama(), 12);

    assertThat(units.units()).isEqualTo(12);
    assertThat(units.layers()).hasSize(2);
    assertThat(units.layers().get(1).name()).isEqualTo("model.layers.1");
    assertThat(names(units.layers().get(1)))
        .containsExactly(
            "model.layers.1.mlp.gate_proj.weight 0",
            "model.layers.1.mlp.up_proj.weight 0",
            "model.layers.1.mlp.up_proj.bias 0",
            "model.layers.1.mlp.down_proj.weight 1");
  }

  @Test
  void headsAreGroupsOfWhatSharesKeysAndValues() {
    CoupledUnits units = CoupledUnits.heads("m", llama(), 4, 2, 3);

    assertThat(units.units()).isEqualTo(2);
    assertThat(names(units.layers().get(0)))
        .containsExactly(
            "model.layers.0.self_attn.q_proj.weight 0",
            "model.layers.0.self_attn.q_proj.bias 0",
            "model.layers.0.self_attn.k_proj.weight 0",
            "model.layers.0.self_attn.v_proj.weight 0",
            "model.layers.0.self_attn.o_proj.weight 1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "model.layers.1.mlp.up_proj.weight||12|model.layers.1 lacks mlp.up_proj.weight",
        "|model.layers.0.mlp.experts.0.up_proj.weight|12|lie in model.layers.0.mlp.experts.0.up_proj",
        "|model.layers.0.mlp.up_proj.weight_scale|12|lie in model.layers.0.mlp.up_proj.weight_scale",
        "|visual.layers.0.mlp.down_proj.weight|12|several stacks of layers with such, model.layers, v",
        "||11|mlp.gate_proj.weight is BF16 of [12, 8], and by the config dimension 0 has 11",
      })
  void whatIsNotKnownIsRefused(String without, String with, int channels, String message) {
    List<TensorSpec> tensors = llama();
    tensors.removeIf(t -> t.name().equals(without));
    if (with != null) {
      tensors.add(tensor(with, 2, 12));
    }

    assertThatThrownBy(() -> CoupledUnits.channels("org/m", tensors, channels))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith("Cannot tell the channels of org/m apart: ")
        .hasMessageContaining(message);
  }

  @Test
  void aModelOfOtherNamesIsRefused() {
    List<TensorSpec> gpt = List.of(tensor("h.0.mlp.c_fc.weight", 8, 32));

    assertThatThrownBy(() -> CoupledUnits.channels("gpt2", gpt, 32))
        .hasMessage(
            "Cannot tell the channels of gpt2 apart: no layer has a tensor mlp.down_proj.weight (known are layers whose tensors are named as Llama's, not fused, not quantised)");
    List<TensorSpec> tensors = llama();
    tensors.add(tensor(LAYER.formatted(0) + "self_attn.q_norm.weight", 12));
    assertThatThrownBy(() -> CoupledUnits.heads("olmo", tensors, 4, 2, 3))
        .hasMessageContaining("it is not known how they lie in model.layers.0.self_attn.q_norm");
  }

  @Test
  void ofEqualScoresTheFirstGo() {
    assertThat(CoupledUnits.kept(new double[] {1, 3, 1, 2, 1}, 3)).containsExactly(1, 3, 4);
    assertThat(CoupledUnits.kept(new double[] {0.0, -0.0, 0.0, -0.0}, 2)).containsExactly(2, 3);
    assertThat(CoupledUnits.kept(new double[] {-1, -3, -2}, 1)).containsExactly(0);
  }

  /** Sums of a tensor whose elements are 1, 2, 3 and so on, in blocks of so many elements. */
  private static double[] norms(int dim, int units, boolean squares, int block, long... dims) {
    TensorSpec tensor = new TensorSpec("w", DType.F32, Shape.of(dims));
    List<TensorSpec> tensors = List.of(tensor);
    UnitNorms scan = new UnitNorms(Map.of("w", dim), units, squares);
    UnitNorms.Sums sums = scan.open(tensors);
    BlockCut cut = BlockCut.of(tensor, block);
    for (long i = 0; i < cut.blocks(); i++) {
      BlockCut.Block place = cut.block(i);
      ByteBuffer data = ByteBuffer.allocate((int) place.count() * 4).order(ByteOrder.LITTLE_ENDIAN);
      for (int k = 0; k < place.count(); k++) {
        int v = (int) place.offset() + k + 1;
        data.putFloat(v % 2 == 0 ? -v : v);
      }
      sums.add(new AlignedBlock(tensors, place, new byte[][] {data.array()}));
    }
    return scan.conclude(tensors, sums);
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "4", "8", "1000"})
  void normsAreSumsOverTheRunsOfAUnit(int block) {
    // [[1 2 3 4] [5 6 7 8] [9 10 11 12] [13 14 15 16]]
    assertThat(norms(0, 4, false, block, 4, 4)).containsExactly(10, 26, 42, 58);
    assertThat(norms(0, 2, false, block, 4, 4)).containsExactly(36, 100);
    assertThat(norms(1, 4, false, block, 4, 4)).containsExactly(28, 32, 36, 40);
    assertThat(norms(1, 2, false, block, 4, 4)).containsExactly(60, 76);
    assertThat(norms(1, 2, true, block, 2, 4)).containsExactly(1 + 4 + 25 + 36, 9 + 16 + 49 + 64);
    assertThat(norms(0, 3, true, block, 3)).containsExactly(1, 4, 9);
  }
}
