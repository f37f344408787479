package io.weightloom.udf.catalyst;

import io.weightloom.udf.BlockFunction;
import io.weightloom.udf.FunctionSpec;
import io.weightloom.udf.SketchAggregate;
import io.weightloom.udf.WeightFunction;
import java.util.List;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.expressions.aggregate.V2Aggregator;
import org.apache.spark.sql.errors.QueryCompilationErrors;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.unsafe.Platform;
import scala.Function1;
import scala.Tuple3;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;

/** Registers functions with a session's extensions. */
public final class Injection {

  private Injection() {}

  /** Makes a function known under its plain name. */
  public static void into(SparkSessionExtensions extensions, WeightFunction function) {
    Function1<Seq<Expression>, Expression> builder =
        new AbstractFunction1<>() {
          @Override
          public Expression apply(Seq<Expression> arguments) {
            requireCount(function.spec(), arguments.size());
            return function instanceof SketchAggregate<?> aggregate
                ? call(aggregate, arguments)
                : call((BlockFunction) function, arguments);
          }
        };
    extensions.injectFunction(
        new Tuple3<>(FunctionIdentifier.apply(function.name()), info(function), builder));
  }

  /** Spark's own error for functions of its own. */
  private static void requireCount(FunctionSpec spec, int actual) {
    if (actual != spec.parameters().size()) {
      // A checked exception, which Scala does not declare.
      Platform.throwException(
          QueryCompilationErrors.wrongNumArgsError(
              spec.name(),
              CollectionConverters.asScala(List.<Object>of(spec.parameters().size())).toSeq(),
              actual,
              "",
              "",
              ""));
    }
  }

  private static Expression call(BlockFunction function, Seq<Expression> arguments) {
    List<AbstractDataType> types = List.of(function.inputTypes());
    return new NamedStaticInvoke(function, arguments, CollectionConverters.asScala(types).toSeq());
  }

  private static Expression call(SketchAggregate<?> aggregate, Seq<Expression> arguments) {
    Expression call = new V2Aggregator<>(aggregate, arguments, 0, 0);
    call.setTagValue(FunctionRegistry.FUNC_ALIAS(), aggregate.name());
    return call;
  }

  /** What {@code DESCRIBE FUNCTION} tells. */
  private static ExpressionInfo info(WeightFunction function) {
    FunctionSpec spec = function.spec();
    return new ExpressionInfo(
        function.getClass().getName(),
        null,
        spec.name(),
        "_FUNC_" + spec.signature().substring(spec.name().length()) + " - " + spec.usage(),
        arguments(spec),
        examples(spec),
        "",
        function instanceof SketchAggregate<?> ? "agg_funcs" : "misc_funcs",
        "",
        "",
        "java_udf");
  }

  private static String arguments(FunctionSpec spec) {
    StringBuilder text = new StringBuilder("\n    Arguments:\n");
    for (FunctionSpec.Parameter parameter : spec.parameters()) {
      text.append("      * ")
          .append(parameter.name())
          .append(" ")
          .append(parameter.type().sql())
          .append(" - ")
          .append(parameter.help())
          .append("\n");
    }
    return text.append("  ").toString();
  }

  private static String examples(FunctionSpec spec) {
    StringBuilder text = new StringBuilder("\n    Examples:\n");
    for (FunctionSpec.Example example : spec.examples()) {
      text.append("      > SELECT ")
          .append(example.expression())
          .append(";\n       ")
          .append(example.result())
          .append("\n");
    }
    return text.append("  ").toString();
  }
}
