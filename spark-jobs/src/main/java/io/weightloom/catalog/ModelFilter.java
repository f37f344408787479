package io.weightloom.catalog;

import java.util.Arrays;
import org.apache.spark.sql.sources.And;
import org.apache.spark.sql.sources.EqualTo;
import org.apache.spark.sql.sources.Filter;
import org.apache.spark.sql.sources.In;
import org.apache.spark.sql.sources.Not;
import org.apache.spark.sql.sources.Or;
import org.apache.spark.sql.sources.StringContains;
import org.apache.spark.sql.sources.StringEndsWith;
import org.apache.spark.sql.sources.StringStartsWith;

/** What a filter says of a model by its name alone. */
final class ModelFilter {
  private static final String MODEL = "model";

  private ModelFilter() {}

  /** Whether a filter speaks of the model's name and of nothing else. */
  static boolean concerns(Filter filter) {
    return Arrays.stream(filter.references()).allMatch(MODEL::equals)
        && filter.references().length > 0;
  }

  /** Whether a row of this model may pass; true for filters that are not known here. */
  static boolean mayHold(Filter filter, String model) {
    if (filter instanceof EqualTo f) {
      return model.equals(f.value());
    } else if (filter instanceof In f) {
      return Arrays.asList(f.values()).contains(model);
    } else if (filter instanceof StringStartsWith f) {
      return model.startsWith(f.value());
    } else if (filter instanceof StringEndsWith f) {
      return model.endsWith(f.value());
    } else if (filter instanceof StringContains f) {
      return model.contains(f.value());
    } else if (filter instanceof And f) {
      return mayHold(f.left(), model) && mayHold(f.right(), model);
    } else if (filter instanceof Or f) {
      return mayHold(f.left(), model) || mayHold(f.right(), model);
    } else if (filter instanceof Not not && not.child() instanceof EqualTo f) {
      return !model.equals(f.value());
    } else if (filter instanceof Not not && not.child() instanceof In f) {
      return !Arrays.asList(f.values()).contains(model);
    }
    return true;
  }
}
