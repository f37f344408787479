package io.weightloom.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** A table for people: the first columns to the left, numbers to the right. */
final class TextTable {
  private static final int WIDEST = 60;

  private final int names;
  private final List<String> header;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * A table without rows.
   *
   * @param names how many columns, the first ones, hold names
   */
  TextTable(int names, String... header) {
    this.names = names;
    this.header = List.of(header);
  }

  void row(String... cells) {
    rows.add(List.of(cells).stream().map(TextTable::cut).toList());
  }

  private static String cut(String cell) {
    int length = cell.length();
    return length <= WIDEST ? cell : "…" + cell.substring(length - WIDEST + 1);
  }

  String text() {
    int[] widths = header.stream().mapToInt(String::length).toArray();
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder out = new StringBuilder();
    line(out, header, widths);
    rows.forEach(row -> line(out, row, widths));
    return out.toString();
  }

  private void line(StringBuilder out, List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String space = " ".repeat(widths[i] - cells.get(i).length());
      line.append(i == 0 ? "  " : "   ");
      line.append(i < names ? cells.get(i) + space : space + cells.get(i));
    }
    out.append(line.toString().stripTrailing()).append('\n');
  }

  /** The lower median of what is no NaN; NaN if there is none. */
  static <T> double median(List<T> all, ToDoubleFunction<T> value) {
    double[] sorted =
        all.stream().mapToDouble(value).filter(x -> !Double.isNaN(x)).sorted().toArray();
    return sorted.length == 0 ? Double.NaN : sorted[(sorted.length - 1) / 2];
  }

  /** A number in four digits. */
  static String number(double x) {
    double size = Math.abs(x);
    if (Double.isNaN(x)) {
      return "–";
    } else if (x == 0 || Double.isInfinite(x)) {
      return x == 0 ? "0" : x > 0 ? "∞" : "−∞";
    }
    return String.format(
        Locale.ROOT,
        size >= 1e5 || size < 1e-4
            ? "%.2e"
            : size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.3f" : "%.5f",
        x);
  }

  /** A share in percent; a few of many are not 0 %, nor are most all. */
  static String percent(double share) {
    if (Double.isNaN(share)) {
      return "–";
    } else if (share == 0 || share == 1) {
      return share == 0 ? "0 %" : "100 %";
    } else if (share < 5e-5) {
      return "<0.01 %";
    } else if (share > 0.9999) {
      return ">99.99 %";
    }
    return String.format(
        Locale.ROOT, share < 0.1 || share > 0.99 ? "%.2f %%" : "%.1f %%", 100 * share);
  }
}
