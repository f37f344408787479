package io.weightloom.plot;

import java.util.List;
import java.util.Locale;

/** Colours of values from 0 to 1. */
public final class Palette {
  /** From dark to light, one direction: the anchors of matplotlib's viridis (CC0). */
  public static final Palette SEQUENTIAL =
      new Palette(0x440154, 0x3b528b, 0x21918c, 0x5ec962, 0xfde725);

  /** From blue over white to red: for values around a middle. */
  public static final Palette DIVERGING =
      new Palette(0x2166ac, 0x92c5de, 0xf7f7f7, 0xf4a582, 0xb2182b);

  /** Colours of lines, told apart by the colour-blind too (Okabe and Ito). */
  private static final String[] LINES = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8a8a00"
  };

  private final List<Integer> anchors;

  Palette(Integer... anchors) {
    this.anchors = List.of(anchors);
  }

  /** The colour of a share; grey where it is no number. */
  String colour(double share) {
    if (Double.isNaN(share)) {
      return "#dddddd";
    }
    double at = Math.min(1, Math.max(0, share)) * (anchors.size() - 1);
    int below = (int) Math.min(anchors.size() - 2, Math.floor(at));
    double t = at - below;
    int colour = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      int a = anchors.get(below) >> shift & 0xff;
      int b = anchors.get(below + 1) >> shift & 0xff;
      colour |= (int) Math.round(a + t * (b - a)) << shift;
    }
    return String.format(Locale.ROOT, "#%06x", colour);
  }

  static String line(int index) {
    return LINES[index % LINES.length];
  }
}
