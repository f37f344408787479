package io.weightloom.udf.catalyst;

import io.weightloom.udf.BlockFunction;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.objects.StaticInvoke;
import org.apache.spark.sql.connector.catalog.functions.ScalarFunction;
import org.apache.spark.sql.types.AbstractDataType;
import scala.Option;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * Spark's call of a static method, under the function's own name: in column names, plans and
 * messages it reads {@code wl_l2(data, dtype)}.
 */
final class NamedStaticInvoke extends StaticInvoke {
  private static final long serialVersionUID = 1;

  private final BlockFunction function;

  NamedStaticInvoke(
      BlockFunction function, Seq<Expression> arguments, Seq<AbstractDataType> types) {
    super(
        function.getClass(),
        function.resultType(),
        ScalarFunction.MAGIC_METHOD_NAME,
        arguments,
        types,
        true,
        true,
        true,
        Option.empty());
    this.function = function;
  }

  @Override
  public Expression withNewChildrenInternal(IndexedSeq<Expression> children) {
    return new NamedStaticInvoke(function, children.toSeq(), inputTypes());
  }

  @Override
  public String toString() {
    return function.name() + arguments().mkString("(", ", ", ")");
  }
}
