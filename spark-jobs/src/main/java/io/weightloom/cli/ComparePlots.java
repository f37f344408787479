package io.weightloom.cli;

import io.weightloom.compare.CompareReport;
import io.weightloom.compare.CompareReport.PairRow;
import io.weightloom.compare.CompareReport.Scope;
import io.weightloom.compare.CompareReport.SignRow;
import io.weightloom.compare.CompareReport.TaskRow;
import io.weightloom.compare.Pair;
import io.weightloom.plot.Axis;
import io.weightloom.plot.Palette;
import io.weightloom.plot.Series;
import io.weightloom.plot.Svg;
import io.weightloom.tensor.TensorName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The pictures of {@code compare}: cosines, signs by layer, distance by depth. */
final class ComparePlots {

  private ComparePlots() {}

  /** Pictures by their names, without an ending. */
  static Map<String, String> of(CompareReport report) {
    Map<String, String> plots = new LinkedHashMap<>();
    if (report.hasBase() && report.models().size() > 2) {
      plots.put("task-cosines", cosines(report));
      List<SignRow> layers = report.signs().stream().filter(r -> r.scope() == Scope.LAYER).toList();
      if (!layers.isEmpty()) {
        plots.put(
            "sign-conflicts",
            Svg.bars(
                "Sign conflict by layer",
                "share of elements that two or more models change",
                layers.stream().map(SignRow::name).toList(),
                layers.stream().mapToDouble(r -> r.signs().conflict()).toArray()));
      }
    }
    Map<String, Map<Integer, double[]>> profiles = profiles(report);
    if (!profiles.isEmpty()) {
      List<Series> series = new ArrayList<>();
      profiles.forEach((name, profile) -> series.add(series(name, profile)));
      plots.put(
          "depth",
          Svg.lines(
              "How far each layer has moved",
              Axis.linear("layer"),
              Axis.linear("‖τ‖ / ‖w‖"),
              series));
    }
    return plots;
  }

  private static String cosines(CompareReport report) {
    List<String> models = report.models().subList(1, report.models().size());
    double[][] cosines = new double[models.size()][models.size()];
    for (int i = 0; i < models.size(); i++) {
      cosines[i][i] = 1;
    }
    for (TaskRow row : report.tasks()) {
      if (row.scope() == Scope.MODEL) {
        int i = models.indexOf(row.first());
        int j = models.indexOf(row.second());
        cosines[i][j] = row.pair().cosine();
        cosines[j][i] = cosines[i][j];
      }
    }
    return Svg.heatmap(
        "Cosines of task vectors", models, models, cosines, Palette.DIVERGING, -1, 1);
  }

  /** Of each pair, by layer, Σ‖τ‖² and Σ‖w‖². */
  private static Map<String, Map<Integer, double[]>> profiles(CompareReport report) {
    Map<String, Map<Integer, double[]>> profiles = new LinkedHashMap<>();
    for (PairRow row : report.pairs()) {
      Pair pair = row.pair();
      if (pair != null) {
        TensorName.layer(row.name())
            .ifPresent(
                layer -> {
                  String name =
                      report.hasBase() ? row.second() : row.first() + " – " + row.second();
                  double[] sums =
                      profiles
                          .computeIfAbsent(name, n -> new TreeMap<>())
                          .computeIfAbsent(layer.index(), l -> new double[2]);
                  sums[0] += pair.squares();
                  sums[1] += pair.firstSquares();
                });
      }
    }
    return profiles;
  }

  private static Series series(String name, Map<Integer, double[]> profile) {
    return new Series(
        name,
        profile.keySet().stream().mapToDouble(Integer::intValue).toArray(),
        profile.values().stream().mapToDouble(s -> Math.sqrt(s[0] / s[1])).toArray());
  }
}
