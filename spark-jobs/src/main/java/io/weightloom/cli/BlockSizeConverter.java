package io.weightloom.cli;

import org.apache.spark.network.util.JavaUtils;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A block's size in Spark's manner, {@code 1m} or {@code 65536}, as the elements of a 16-bit type
 * that it holds.
 */
final class BlockSizeConverter implements ITypeConverter<Integer> {
  private static final int BYTES = 2;

  @Override
  public Integer convert(String value) {
    long bytes;
    try {
      bytes = JavaUtils.byteStringAsBytes(value);
    } catch (NumberFormatException e) {
      throw new TypeConversionException("expected a size such as 1m or 512k, found " + value);
    }
    if (bytes < BYTES || bytes / BYTES > Integer.MAX_VALUE) {
      throw new TypeConversionException("expected a size such as 1m or 512k, found " + value);
    }
    return (int) (bytes / BYTES);
  }
}
