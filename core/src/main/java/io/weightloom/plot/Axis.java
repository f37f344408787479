package io.weightloom.plot;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * From values to places on a line, and where its ticks are.
 *
 * @param label what is measured
 * @param isLog whether places go by the logarithm; values at or below 0 have no place
 */
public record Axis(String label, boolean isLog) {
  private static final int TICKS = 6;

  public static Axis linear(String label) {
    return new Axis(label, false);
  }

  public static Axis log(String label) {
    return new Axis(label, true);
  }

  /** Values to numbers from 0 to 1. */
  record Scale(Axis axis, double low, double high) {

    double place(double value) {
      return (axis.at(value) - low) / (high - low);
    }

    /** Round values within the range. */
    List<Double> ticks() {
      List<Double> ticks = new ArrayList<>();
      double step = step();
      for (double t = Math.ceil(low / step - 1e-9) * step; t <= high + step * 1e-9; t += step) {
        double clean = Math.abs(t) < step * 1e-9 ? 0 : t;
        ticks.add(axis.isLog ? Math.pow(10, clean) : clean);
      }
      return ticks;
    }

    private double step() {
      double rough = (high - low) / TICKS;
      if (axis.isLog && rough <= 1) {
        return 1;
      }
      double power = Math.pow(10, Math.floor(Math.log10(rough)));
      return DoubleStream.of(1, 2, 5, 10)
          .map(m -> m * power)
          .filter(s -> s >= rough * (1 - 1e-9))
          .findFirst()
          .orElse(power);
    }
  }

  /** The scale of these values; of 0 to 1 if none has a place. */
  Scale over(DoubleStream values) {
    double[] range =
        values
            .map(this::at)
            .filter(Double::isFinite)
            .collect(
                () -> new double[] {Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY},
                (r, v) -> {
                  r[0] = Math.min(r[0], v);
                  r[1] = Math.max(r[1], v);
                },
                (a, b) -> {
                  a[0] = Math.min(a[0], b[0]);
                  a[1] = Math.max(a[1], b[1]);
                });
    if (range[0] > range[1]) {
      return new Scale(this, 0, 1);
    }
    double pad = range[0] == range[1] ? Math.max(0.5, Math.abs(range[0]) / 10) : 0;
    return new Scale(this, range[0] - pad, range[1] + pad);
  }

  private double at(double value) {
    return isLog ? Math.log10(value) : value;
  }

  /** A number in at most five characters or so. */
  static String shown(double value) {
    double size = Math.abs(value);
    if (value == 0) {
      return "0";
    } else if (!Double.isFinite(value)) {
      return String.valueOf(value);
    } else if (size >= 1e5 || size < 1e-3) {
      return String.format(Locale.ROOT, "%.1e", value)
          .replace(".0e", "e")
          .replaceFirst("e([+-])0?", "e$1")
          .replace("e+", "e");
    }
    String text =
        String.format(Locale.ROOT, size >= 100 ? "%.0f" : size >= 1 ? "%.2f" : "%.4f", value);
    return text.contains(".") ? text.replaceFirst("\\.?0+$", "") : text;
  }
}
