package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * A base model with low-rank adapters folded in, as a recipe writes it: {@code base+adapter}, or of
 * several and by a factor each {@code base+adapter*0.5+other*0.25}. Its files are reached under
 * {@code lora:/BASE+ADAPTER!/FILE}: the storage of that scheme shows the folded model as an
 * ordinary model directory, so that nobody else knows of adapters.
 *
 * @param base a reference, or the path of its directory or file
 * @param folds the adapters in order
 */
public record AdaptedModel(String base, List<Fold> folds) {
  /** The scheme of virtual files. */
  public static final String SCHEME = "lora";

  private static final char PLUS = '+';
  private static final char TIMES = '*';
  private static final char END = '!';

  /**
   * An adapter.
   *
   * @param adapter a reference, or the path of its directory
   * @param factor of its change; 1 where none is written
   */
  public record Fold(String adapter, double factor) {}

  /**
   * A virtual path in two.
   *
   * @param model whose it is
   * @param file the name of a file; empty for the directory
   */
  public record Path(AdaptedModel model, String file) {}

  public AdaptedModel {
    folds = List.copyOf(folds);
  }

  /**
   * Reads a reference; empty if it names no adapter.
   *
   * @throws WeightloomException of kind USAGE if a part of it is missing or a factor is no number
   */
  public static Optional<AdaptedModel> parse(String reference) {
    if (reference.indexOf(PLUS) < 0) {
      return Optional.empty();
    }
    List<String> parts = split(reference);
    if (parts.stream().anyMatch(String::isBlank)) {
      throw refused(reference, "nothing stands on one side of a +");
    }
    return Optional.of(of(reference, parts, UnaryOperator.identity()));
  }

  /** The parts of a virtual path of {@link #SCHEME}. */
  public static Path ofPath(String path) {
    String inner = path.substring(path.indexOf(":/") + 2);
    int end = inner.indexOf(END);
    if (end < 0) {
      throw refused(path, "no " + END + " ends its directory");
    }
    AdaptedModel model = of(path, split(inner.substring(0, end)), AdaptedModel::unescape);
    return new Path(model, inner.substring(end + 1).replaceFirst("^/+", ""));
  }

  private static AdaptedModel of(
      String reference, List<String> parts, UnaryOperator<String> unescape) {
    List<Fold> folds = new ArrayList<>();
    for (String part : parts.subList(1, parts.size())) {
      int times = part.lastIndexOf(TIMES);
      String adapter = times < 0 ? part : part.substring(0, times);
      folds.add(
          new Fold(
              unescape.apply(adapter),
              times < 0 ? 1 : factor(reference, part.substring(times + 1))));
    }
    return new AdaptedModel(unescape.apply(parts.get(0)), folds);
  }

  private static List<String> split(String text) {
    return List.of(text.split("\\+", -1));
  }

  private static double factor(String reference, String text) {
    try {
      double factor = Double.parseDouble(text);
      if (Double.isFinite(factor)) {
        return factor;
      }
    } catch (NumberFormatException e) {
      // As an infinite one.
    }
    throw refused(reference, text + " behind * is no number");
  }

  private static WeightloomException refused(String reference, String why) {
    return WeightloomException.usage(
        "Cannot open model %s: %s (write base+adapter, or base+adapter*0.5+other*0.25)"
            .formatted(reference, why));
  }

  /** The same with each part found. */
  AdaptedModel resolved(UnaryOperator<String> ofBase, UnaryOperator<String> ofAdapter) {
    return new AdaptedModel(
        ofBase.apply(base),
        folds.stream().map(f -> new Fold(ofAdapter.apply(f.adapter), f.factor)).toList());
  }

  /** The virtual directory. */
  public String path() {
    return SCHEME
        + ":/"
        + escape(base)
        + folds.stream()
            .map(
                f ->
                    PLUS
                        + escape(f.adapter)
                        + (f.factor == 1 ? "" : TIMES + String.valueOf(f.factor)))
            .collect(Collectors.joining())
        + END;
  }

  private static String escape(String part) {
    return part.replace("%", "%25").replace("+", "%2B").replace("*", "%2A").replace("!", "%21");
  }

  private static String unescape(String part) {
    return part.replace("%21", "!").replace("%2A", "*").replace("%2B", "+").replace("%25", "%");
  }
}
