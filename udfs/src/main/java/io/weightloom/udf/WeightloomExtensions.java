package io.weightloom.udf;

import io.weightloom.udf.catalyst.Injection;
import org.apache.spark.sql.SparkSessionExtensions;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Puts all functions into a session, with plain names: {@code
 * spark.sql.extensions=io.weightloom.udf.WeightloomExtensions}, beside others after commas.
 */
public final class WeightloomExtensions
    extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {

  /** Called by Spark. */
  public WeightloomExtensions() {}

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    Functions.all().forEach(function -> Injection.into(extensions, function));
    return BoxedUnit.UNIT;
  }
}
