package io.weightloom.plot;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/**
 * Pictures as SVG text: the same bytes everywhere. The viewer has the fonts; the JVM needs none,
 * nor a display, which AWT's libraries do. Each mark tells its value when pointed at.
 */
public final class Svg {
  private static final int WIDTH = 820;
  private static final int HEIGHT = 420;
  private static final int MARGIN = 16;
  private static final int TITLE = 34;
  private static final double CHARACTER = 6.4;
  private static final int LABEL_LIMIT = 44;

  private final StringBuilder body = new StringBuilder();

  private Svg() {}

  /**
   * Cells coloured by their values, over the range that the values have; NaN is grey.
   *
   * @param rows names, from the top
   * @param columns names, from the left
   * @param values by row and column
   */
  public static String heatmap(
      String title, List<String> rows, List<String> columns, double[][] values, Palette palette) {
    double[] finite =
        Arrays.stream(values).flatMapToDouble(Arrays::stream).filter(Double::isFinite).toArray();
    double low = DoubleStream.of(finite).min().orElse(0);
    double high = DoubleStream.of(finite).max().orElse(1);
    if (palette == Palette.DIVERGING) {
      high = Math.max(Math.abs(low), Math.abs(high));
      low = -high;
    }
    return heatmap(title, rows, columns, values, palette, low, high);
  }

  /** As above, with the values of the darkest and the brightest colour given. */
  public static String heatmap(
      String title,
      List<String> rows,
      List<String> columns,
      double[][] values,
      Palette palette,
      double low,
      double high) {
    Svg svg = new Svg();
    double left = MARGIN + CHARACTER * longest(rows);
    double below = CHARACTER * longest(columns) * 0.8 + 12;
    double cellWidth = Math.max(10, Math.min(48, (WIDTH - left) / Math.max(1, columns.size())));
    double cellHeight = Math.max(11, Math.min(30, 640.0 / Math.max(1, rows.size())));
    for (int r = 0; r < rows.size(); r++) {
      double y = TITLE + r * cellHeight;
      svg.text(left - 5, y + cellHeight / 2 + 4, "end", 11, cut(rows.get(r)));
      for (int c = 0; c < columns.size(); c++) {
        double v = values[r][c];
        String colour = palette.colour(share(v, low, high));
        svg.rectangle(
            left + c * cellWidth,
            y,
            cellWidth,
            cellHeight,
            colour,
            rows.get(r) + " · " + columns.get(c) + ": " + Axis.shown(v));
      }
    }
    double foot = TITLE + rows.size() * cellHeight;
    for (int c = 0; c < columns.size(); c++) {
      svg.slanted(left + (c + 0.5) * cellWidth + 3, foot + 12, cut(columns.get(c)));
    }
    double right = left + columns.size() * cellWidth;
    svg.legend(right + 18, TITLE, palette, low, high);
    return svg.document(
        title,
        Math.max(right + 84, 16 + CHARACTER * 1.4 * title.length()),
        Math.max(foot + below, TITLE + 150));
  }

  private static double share(double value, double low, double high) {
    if (!Double.isFinite(value)) {
      return Double.NaN;
    }
    return high > low ? (value - low) / (high - low) : 0.5;
  }

  /** Lines over common axes, with a legend if there are several. */
  public static String lines(String title, Axis x, Axis y, List<Series> series) {
    return chart(title, x, y, series, false);
  }

  /** Points over common axes. */
  public static String points(String title, Axis x, Axis y, List<Series> series) {
    return chart(title, x, y, series, true);
  }

  private static String chart(
      String title, Axis xAxis, Axis yAxis, List<Series> series, boolean points) {
    Svg svg = new Svg();
    Axis.Scale xs = xAxis.over(series.stream().flatMapToDouble(s -> DoubleStream.of(s.x())));
    Axis.Scale ys = yAxis.over(series.stream().flatMapToDouble(s -> DoubleStream.of(s.y())));
    double legend =
        series.size() > 1
            ? CHARACTER
                    * Math.min(
                        LABEL_LIMIT,
                        series.stream().mapToInt(s -> s.name().length()).max().orElse(0))
                + 40
            : MARGIN;
    Frame frame = new Frame(72, TITLE, WIDTH - 72 - legend, HEIGHT - TITLE - 52, xs, ys);
    svg.frame(frame, xAxis.label(), yAxis.label());
    for (int i = 0; i < series.size(); i++) {
      Series s = series.get(i);
      String colour = Palette.line(i);
      if (points) {
        svg.dots(frame, s, colour);
      } else {
        svg.paths(frame, s, colour);
      }
      if (series.size() > 1) {
        double at = TITLE + 8 + i * 17;
        svg.rectangle(frame.right() + 14, at - 3, 14, 4, colour, s.name());
        svg.text(frame.right() + 33, at + 3, "start", 11, cut(s.name()));
      }
    }
    return svg.document(title, WIDTH, Math.max(HEIGHT, TITLE + 24 + 17 * series.size()));
  }

  /** A bar for each name, from the left. */
  public static String bars(String title, String label, List<String> names, double[] values) {
    Svg svg = new Svg();
    Axis.Scale scale =
        Axis.linear(label).over(DoubleStream.concat(DoubleStream.of(0), DoubleStream.of(values)));
    double left = MARGIN + CHARACTER * longest(names);
    double width = WIDTH - left - 70;
    double height = 17;
    double zero = left + scale.place(0) * width;
    for (int i = 0; i < values.length; i++) {
      double y = TITLE + i * height;
      svg.text(left - 5, y + 12, "end", 11, cut(names.get(i)));
      if (Double.isFinite(values[i])) {
        double end = left + scale.place(values[i]) * width;
        String told = names.get(i) + ": " + Axis.shown(values[i]);
        svg.rectangle(
            Math.min(zero, end), y + 2, Math.abs(end - zero), height - 4, Palette.line(0), told);
        svg.text(Math.max(zero, end) + 4, y + 12, "start", 11, Axis.shown(values[i]));
      } else {
        svg.text(zero + 4, y + 12, "start", 11, Axis.shown(values[i]));
      }
    }
    double foot = TITLE + values.length * height;
    svg.text(left, foot + 18, "start", 11, label);
    return svg.document(title, WIDTH, foot + 30);
  }

  private record Frame(
      double left, double top, double width, double height, Axis.Scale xs, Axis.Scale ys) {
    double x(double value) {
      return left + xs.place(value) * width;
    }

    double y(double value) {
      return top + (1 - ys.place(value)) * height;
    }

    double right() {
      return left + width;
    }

    double bottom() {
      return top + height;
    }
  }

  private void frame(Frame f, String xLabel, String yLabel) {
    for (double t : f.xs.ticks()) {
      line(f.x(t), f.top, f.x(t), f.bottom(), "#e4e4e4");
      text(f.x(t), f.bottom() + 16, "middle", 11, Axis.shown(t));
    }
    for (double t : f.ys.ticks()) {
      line(f.left, f.y(t), f.right(), f.y(t), "#e4e4e4");
      text(f.left - 6, f.y(t) + 4, "end", 11, Axis.shown(t));
    }
    line(f.left, f.bottom(), f.right(), f.bottom(), "#444444");
    line(f.left, f.top, f.left, f.bottom(), "#444444");
    text(f.left + f.width / 2, f.bottom() + 38, "middle", 12, xLabel);
    body.append(
        format(
            "<text transform=\"translate(16 %.1f) rotate(-90)\" text-anchor=\"middle\" font-size=\"12\">%s</text>%n",
            f.top + f.height / 2, escaped(yLabel)));
  }

  private void paths(Frame f, Series s, String colour) {
    List<String> run = new ArrayList<>();
    for (int i = 0; i <= s.x().length; i++) {
      boolean shown = i < s.x().length && isPlaced(f, s, i);
      if (shown) {
        run.add(format("%.1f,%.1f", f.x(s.x()[i]), f.y(s.y()[i])));
      } else if (!run.isEmpty()) {
        body.append(
            format(
                "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" points=\"%s\"><title>%s</title></polyline>%n",
                colour, String.join(" ", run), escaped(s.name())));
        run.clear();
      }
    }
  }

  private void dots(Frame f, Series s, String colour) {
    for (int i = 0; i < s.x().length; i++) {
      if (isPlaced(f, s, i)) {
        body.append(
            format(
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.2\" fill=\"%s\"><title>%s: %s, %s</title></circle>%n",
                f.x(s.x()[i]),
                f.y(s.y()[i]),
                colour,
                escaped(s.name()),
                Axis.shown(s.x()[i]),
                Axis.shown(s.y()[i])));
      }
    }
  }

  private static boolean isPlaced(Frame f, Series s, int i) {
    return Double.isFinite(f.x(s.x()[i])) && Double.isFinite(f.y(s.y()[i]));
  }

  private void legend(double x, double y, Palette palette, double low, double high) {
    int steps = 40;
    double height = 110.0 / steps;
    for (int i = 0; i < steps; i++) {
      double share = 1 - (i + 0.5) / steps;
      rectangle(
          x,
          y + i * height,
          12,
          height + 0.4,
          palette.colour(share),
          Axis.shown(low + share * (high - low)));
    }
    text(x + 17, y + 9, "start", 11, Axis.shown(high));
    text(x + 17, y + 110, "start", 11, Axis.shown(low));
  }

  private void rectangle(
      double x, double y, double width, double height, String colour, String told) {
    body.append(
        format(
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"><title>%s</title></rect>%n",
            x, y, width, height, colour, escaped(told)));
  }

  private void line(double x1, double y1, double x2, double y2, String colour) {
    body.append(
        format(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>%n",
            x1, y1, x2, y2, colour));
  }

  private void text(double x, double y, String anchor, int size, String text) {
    body.append(
        format(
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%d\">%s</text>%n",
            x, y, anchor, size, escaped(text)));
  }

  private void slanted(double x, double y, String text) {
    body.append(
        format(
            "<text transform=\"translate(%.1f %.1f) rotate(-55)\" text-anchor=\"end\" font-size=\"11\">%s</text>%n",
            x, y, escaped(text)));
  }

  private String document(String title, double width, double height) {
    return format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"system-ui, sans-serif\" fill=\"#222222\" role=\"img\">%n",
            width, height, width, height)
        + format("<title>%s</title>%n", escaped(title))
        + format("<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>%n")
        + format(
            "<text x=\"%d\" y=\"21\" font-size=\"14\" font-weight=\"600\">%s</text>%n",
            MARGIN, escaped(title))
        + body
        + "</svg>\n";
  }

  private static int longest(List<String> names) {
    return Math.min(LABEL_LIMIT, names.stream().mapToInt(String::length).max().orElse(0));
  }

  private static String cut(String name) {
    return name.length() <= LABEL_LIMIT
        ? name
        : "…" + name.substring(name.length() - LABEL_LIMIT + 1);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern.replace("%n", "\n"), values);
  }
}
