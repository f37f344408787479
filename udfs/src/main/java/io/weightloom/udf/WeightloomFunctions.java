package io.weightloom.udf;

import org.apache.spark.sql.catalyst.analysis.NoSuchFunctionException;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;

/**
 * The functions as a catalog, for sessions that cannot be given extensions: with {@code
 * spark.sql.catalog.wl=io.weightloom.udf.WeightloomFunctions} they are called as {@code
 * wl.wl_l2(data, dtype)}. They are in the catalog's root, in no namespace.
 */
public final class WeightloomFunctions implements FunctionCatalog {
  private String name = "weightloom";

  /** Called by Spark. */
  public WeightloomFunctions() {}

  @Override
  public void initialize(String catalog, CaseInsensitiveStringMap options) {
    name = catalog;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Identifier[] listFunctions(String[] namespace) {
    return namespace.length > 0
        ? new Identifier[0]
        : Functions.all().stream()
            .map(function -> Identifier.of(namespace, function.name()))
            .toArray(Identifier[]::new);
  }

  @Override
  public UnboundFunction loadFunction(Identifier identifier) throws NoSuchFunctionException {
    if (identifier.namespace().length > 0) {
      throw new NoSuchFunctionException(identifier);
    }
    return Functions.ofName(identifier.name())
        .orElseThrow(() -> new NoSuchFunctionException(identifier));
  }
}
