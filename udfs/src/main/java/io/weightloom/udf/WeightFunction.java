package io.weightloom.udf;

import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;

/** A function of the table: Spark's own interfaces, answered from its {@link FunctionSpec}. */
public sealed interface WeightFunction extends UnboundFunction, BoundFunction
    permits BlockFunction, SketchAggregate {

  /** What it says of itself. */
  FunctionSpec spec();

  @Override
  default String name() {
    return spec().name();
  }

  @Override
  default String description() {
    return spec().signature() + ": " + spec().usage();
  }

  /** Takes any arguments: Spark checks their number and types against {@link #inputTypes}. */
  @Override
  default BoundFunction bind(StructType arguments) {
    return this;
  }

  @Override
  default DataType[] inputTypes() {
    return spec().types();
  }

  @Override
  default DataType resultType() {
    return spec().result();
  }

  @Override
  default String canonicalName() {
    return "io.weightloom." + spec().name();
  }
}
