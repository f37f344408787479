package io.weightloom.cli;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes as mergekit writes them: {@code 5B} is 5·10⁹, {@code 500M} is 5·10⁸. */
final class SizeConverter implements ITypeConverter<Long> {
  private static final BigDecimal LARGEST = BigDecimal.valueOf(Long.MAX_VALUE);
  private static final Pattern SIZE = Pattern.compile("(\\d+(?:\\.\\d+)?)([KMBGT]?)");

  @Override
  public Long convert(String value) {
    Matcher m = SIZE.matcher(value.toUpperCase(Locale.ROOT));
    if (!m.matches()) {
      throw new TypeConversionException("expected a size such as 5B or 500M, found " + value);
    }
    int power =
        switch (m.group(2)) {
          case "K" -> 3;
          case "M" -> 6;
          case "B", "G" -> 9;
          case "T" -> 12;
          default -> 0;
        };
    BigDecimal size = new BigDecimal(m.group(1)).scaleByPowerOfTen(power);
    if (size.compareTo(BigDecimal.ONE) < 0 || size.compareTo(LARGEST) > 0) {
      throw new TypeConversionException("expected 1 to 2^63 - 1 bytes, found " + value);
    }
    return size.longValue();
  }
}
