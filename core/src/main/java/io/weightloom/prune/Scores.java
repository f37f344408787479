package io.weightloom.prune;

import io.weightloom.error.WeightloomException;
import io.weightloom.merge.Arith;
import io.weightloom.merge.Chunk;
import io.weightloom.merge.SideTable;
import io.weightloom.merge.TensorMerge;

/** What ranks weights: the magnitude of what is computed here. */
enum Scores {
  /** |w|. */
  MAGNITUDE,
  /** |w|·‖x‖₂, x being the inputs that the weight's column has seen (Wanda). */
  ACTIVATION,
  /** The same for the inputs of a memorised example; weights that matter more to others stay. */
  MEMORISED;

  static final String NORMS = "norms";
  static final String MEMORISED_NORMS = "memorised_norms";
  static final String NEUTRAL_NORMS = "neutral_norms";

  /** The table of input norms. */
  static SideTable norms(boolean required) {
    return table(NORMS, required, "L2 norm of each input of the layer over the calibration data");
  }

  /** A required table of input norms. */
  static SideTable norms(String name, String help) {
    return table(name, true, help);
  }

  private static SideTable table(String name, boolean required, String help) {
    return new SideTable(
        name, SideTable.Per.MERGE, SideTable.Layout.COLUMNS, required, true, 0, help);
  }

  /** The scores of a chunk, in {@code scratch} or one of the chunk's vectors. */
  <V> V of(Arith<V> arith, TensorMerge tensor, Chunk<V> chunk, V scratch) {
    if (this == MAGNITUDE) {
      return chunk.inputs()[0];
    }
    String table = this == ACTIVATION ? NORMS : MEMORISED_NORMS;
    V norms = chunk.sides()[tensor.firstSide(table)];
    arith.multiply(chunk.inputs()[0], norms, scratch, chunk.length());
    return scratch;
  }

  /** Keeps what may not go, whatever its score. */
  <V> void spare(Arith<V> arith, TensorMerge tensor, Chunk<V> chunk, boolean[] kept) {
    if (this != MEMORISED) {
      return;
    }
    V memorised = chunk.sides()[tensor.firstSide(MEMORISED_NORMS)];
    V neutral = chunk.sides()[tensor.firstSide(NEUTRAL_NORMS)];
    for (int i = 0; i < chunk.length(); i++) {
      kept[i] |= arith.at(memorised, i) <= arith.at(neutral, i);
    }
  }

  /**
   * Whether the score of this tensor can be computed.
   *
   * @throws WeightloomException if it cannot and the recipe does not let such tensors stay dense
   */
  boolean isKnown(TensorMerge tensor) {
    return switch (this) {
      case MAGNITUDE -> true;
      case ACTIVATION -> Lacking.hasTable(tensor, NORMS);
      case MEMORISED ->
          Lacking.hasTable(tensor, MEMORISED_NORMS) && Lacking.hasTable(tensor, NEUTRAL_NORMS);
    };
  }
}
