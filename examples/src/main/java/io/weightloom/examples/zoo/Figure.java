package io.weightloom.examples.zoo;

/** What a picture shows, before a camera looks at it: an ink intensity for each point. */
@FunctionalInterface
interface Figure {

  /**
   * The ink at a point.
   *
   * @param u to the right, the picture spans −1 … 1
   * @param v downwards, the picture spans −1 … 1
   * @return 0 for paper, 1 for ink
   */
  double at(double u, double v);

  /**
   * A bitmap of rows of {@code #} and other characters, spread over ±{@code halfWidth}/±{@code
   * halfHeight}.
   */
  static Figure bitmap(String[] rows, double halfWidth, double halfHeight) {
    int width = rows[0].length();
    return (u, v) -> {
      double x = (u / halfWidth + 1) * width / 2 - 0.5;
      double y = (v / halfHeight + 1) * rows.length / 2 - 0.5;
      int x0 = (int) Math.floor(x);
      int y0 = (int) Math.floor(y);
      double fx = x - x0;
      double fy = y - y0;
      return (1 - fy) * ((1 - fx) * ink(rows, x0, y0) + fx * ink(rows, x0 + 1, y0))
          + fy * ((1 - fx) * ink(rows, x0, y0 + 1) + fx * ink(rows, x0 + 1, y0 + 1));
    };
  }

  private static int ink(String[] rows, int x, int y) {
    boolean inside = y >= 0 && y < rows.length && x >= 0 && x < rows[0].length();
    return inside && rows[y].charAt(x) == '#' ? 1 : 0;
  }

  /** The inside of a region given by its signed distance (negative inside), with a soft edge. */
  static double fill(double distance) {
    return Math.min(1, Math.max(0, 0.5 - distance * 5));
  }

  /** A stroke of half width {@code pen} along the zero line of a distance. */
  static double stroke(double distance, double pen) {
    return fill(Math.abs(distance) - pen);
  }

  /** The distance to the segment from a to b. */
  static double segment(double u, double v, double au, double av, double bu, double bv) {
    double du = bu - au;
    double dv = bv - av;
    double along = ((u - au) * du + (v - av) * dv) / (du * du + dv * dv);
    double t = Math.min(1, Math.max(0, along));
    double eu = u - au - t * du;
    double ev = v - av - t * dv;
    return Math.sqrt(eu * eu + ev * ev);
  }
}
