package io.weightloom.merge;

/**
 * A table beside the models that a method reads: Fisher diagonals, masks, Gram matrices. It is laid
 * out as a model is, with a tensor for each tensor that it describes, under the same name, in
 * safetensors files or a block table. A recipe names it under {@code weightloom: side_tables:}.
 *
 * @param name the key in recipes
 * @param per whether each model has its own
 * @param layout the shape of its tensors
 * @param required whether a merge is impossible without
 * @param partial whether all of its tables may lack the same tensor
 * @param least the least value allowed; negative infinity for any
 * @param help one line for the documentation
 */
public record SideTable(
    String name,
    Per per,
    Layout layout,
    boolean required,
    boolean partial,
    double least,
    String help) {

  /** Whose table it is. */
  public enum Per {
    /** Each model of the merge has one, which the recipe gives by the model's reference. */
    MODEL,
    /** The merge has one. */
    MERGE
  }

  /** How its tensors are shaped. */
  public enum Layout {
    /** One value an element: the shape of the tensor that it describes. */
    ELEMENTS,
    /**
     * One value a column, which all rows share: the length of the last dimension. Only of tensors
     * of two dimensions or more; may lack others.
     */
    COLUMNS,
    /** For a matrix of {@code m} rows and {@code n} columns, {@code n × n}; for others nothing. */
    GRAM,
    /**
     * One bit an element, packed as {@link MergeMethod.Yield#MASK} says, in U8; seen as 0 and 1.
     */
    BITS;

    /** Bytes of a mask of so many elements. */
    public static long maskBytes(long elements) {
      return (elements + 7) / 8;
    }
  }

  /** Values that weigh elements, one table a model: none is negative. */
  public static SideTable weights(String name, boolean required, String help) {
    return new SideTable(name, Per.MODEL, Layout.ELEMENTS, required, false, 0, help);
  }

  /** Values of any sign for those elements that it describes. */
  public static SideTable values(String name, Per per, boolean required, String help) {
    return new SideTable(
        name, per, Layout.ELEMENTS, required, true, Double.NEGATIVE_INFINITY, help);
  }
}
