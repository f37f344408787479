package io.weightloom.job;

import java.util.Locale;

/** Numbers for people. */
public final class Units {

  private Units() {}

  /** Bytes in powers of 1024: {@code 2.05 GiB}. */
  public static String bytes(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    int step = Math.min(5, (63 - Long.numberOfLeadingZeros(bytes)) / 10);
    return String.format(
        Locale.ROOT, "%.2f %ciB", bytes / (double) (1L << (10 * step)), "KMGTP".charAt(step - 1));
  }

  /** A count in powers of 1000: {@code 1.10 B} for parameters. */
  public static String count(long count) {
    if (count < 1000) {
      return String.valueOf(count);
    }
    double value = count;
    int step = 0;
    while (value >= 1000 && step < 4) {
      value /= 1000;
      step++;
    }
    return String.format(Locale.ROOT, "%.2f %c", value, "KMBT".charAt(step - 1));
  }
}
