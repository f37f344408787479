package io.weightloom.udf;

import io.weightloom.kernel.Kernels;
import io.weightloom.stats.BlockData;
import io.weightloom.stats.BlockPairs;
import io.weightloom.stats.Gram;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;
import org.jspecify.annotations.Nullable;

/** The same block of several models, compared. */
public final class Pairs {
  private static final String THEME = "Blocks compared";
  private static final String EXAMPLE = "(X'803F00C0', 'BF16', X'00400040', 'BF16')";

  private Pairs() {}

  /** A specification that begins with two blocks. */
  static FunctionSpec.Builder ofPair(String name, String theme, DataType result, String usage) {
    return FunctionSpec.of(name, theme, result, usage)
        .takes("a", DataTypes.BinaryType, "the stored values of a block, little-endian")
        .takes("a_dtype", DataTypes.StringType, "their type: BF16, F16, F32 or F64")
        .takes("b", DataTypes.BinaryType, "the stored values of a block with as many")
        .takes("b_dtype", DataTypes.StringType, "their type");
  }

  /** A number of two blocks; null if it is not defined. */
  @FunctionalInterface
  private interface Comparison {
    @Nullable Double of(BlockData a, BlockData b, Kernels kernels);
  }

  private static @Nullable Double compared(
      byte @Nullable [] a,
      @Nullable UTF8String aDtype,
      byte @Nullable [] b,
      @Nullable UTF8String bDtype,
      Comparison comparison) {
    return a == null || aDtype == null || b == null || bDtype == null
        ? null
        : comparison.of(
            BlockFunction.block(a, aDtype),
            BlockFunction.block(b, bDtype),
            BlockFunction.kernels());
  }

  /** a·b. */
  public static final class Dot extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Dot() {
      super(
          ofPair("wl_dot", THEME, DataTypes.DoubleType, "The dot product of two blocks.")
              .example("wl_dot" + EXAMPLE, "-2.0"));
    }

    public static @Nullable Double invoke(
        byte @Nullable [] a,
        @Nullable UTF8String aDtype,
        byte @Nullable [] b,
        @Nullable UTF8String bDtype) {
      return compared(a, aDtype, b, bDtype, BlockPairs::dot);
    }
  }

  /** a·b / ‖a‖‖b‖. */
  public static final class Cosine extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Cosine() {
      super(
          ofPair(
                  "wl_cosine",
                  THEME,
                  DataTypes.DoubleType,
                  "The cosine of the angle between two blocks; NULL if it is not defined, as where"
                      + " one of them is all zeros.")
              .example("round(wl_cosine" + EXAMPLE + ", 6)", "-0.316228"));
    }

    public static @Nullable Double invoke(
        byte @Nullable [] a,
        @Nullable UTF8String aDtype,
        byte @Nullable [] b,
        @Nullable UTF8String bDtype) {
      return compared(
          a, aDtype, b, bDtype, (x, y, kernels) -> orNull(BlockPairs.cosine(x, y, kernels)));
    }
  }

  /** ‖a − b‖. */
  public static final class Distance extends BlockFunction {
    private static final long serialVersionUID = 1;

    public Distance() {
      super(
          ofPair(
                  "wl_distance",
                  THEME,
                  DataTypes.DoubleType,
                  "The Euclidean distance of two blocks.")
              .example("wl_distance" + EXAMPLE, "4.123105625617661"));
    }

    public static @Nullable Double invoke(
        byte @Nullable [] a,
        @Nullable UTF8String aDtype,
        byte @Nullable [] b,
        @Nullable UTF8String bDtype) {
      return compared(a, aDtype, b, bDtype, BlockPairs::distance);
    }
  }

  /** Signs. */
  public static final class SignAgreement extends BlockFunction {
    private static final long serialVersionUID = 1;

    public SignAgreement() {
      super(
          ofPair(
                  "wl_sign_agreement",
                  THEME,
                  DataTypes.DoubleType,
                  "Of the elements that are 0 in neither block, the share whose signs agree; NULL if"
                      + " there are none.")
              .example("wl_sign_agreement" + EXAMPLE, "0.5"));
    }

    public static @Nullable Double invoke(
        byte @Nullable [] a,
        @Nullable UTF8String aDtype,
        byte @Nullable [] b,
        @Nullable UTF8String bDtype) {
      return compared(
          a, aDtype, b, bDtype, (x, y, kernels) -> orNull(BlockPairs.signAgreement(x, y, kernels)));
    }
  }

  /** All dot products of K blocks. */
  public static final class OfGram extends BlockFunction {
    private static final long serialVersionUID = 1;

    public OfGram() {
      super(
          FunctionSpec.of(
                  "wl_gram",
                  THEME,
                  DataTypes.BinaryType,
                  "The dot products of the same block of K models with each other, as a sketch for"
                      + " wl_gram_merge; NULL if one of the blocks is.")
              .takes(
                  "blocks",
                  DataTypes.createArrayType(DataTypes.BinaryType),
                  "one block a model, in an order of your own, with as many values each")
              .takes("dtype", DataTypes.StringType, "the type of all: BF16, F16, F32 or F64")
              .example("length(wl_gram(array(X'803F', X'0040'), 'BF16'))", "26"));
    }

    public static byte @Nullable [] invoke(@Nullable ArrayData blocks, @Nullable UTF8String dtype) {
      if (blocks == null || dtype == null) {
        return null;
      }
      List<BlockData> models = new ArrayList<>();
      for (int i = 0; i < blocks.numElements(); i++) {
        if (blocks.isNullAt(i)) {
          return null;
        }
        models.add(block(blocks.getBinary(i), dtype));
      }
      return Gram.of(models, kernels()).toBytes();
    }
  }
}
