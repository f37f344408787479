package io.weightloom.spectrum;

import java.util.function.DoubleUnaryOperator;

/**
 * The minimum of a function of one variable: the best point of a grid, polished by Nelder and
 * Mead's simplex, which in one dimension is a pair of points ("A simplex method for function
 * minimization", The Computer Journal 7, 1965; coefficients 1, 2, ½, ½ and tolerances as SciPy's
 * {@code brute} and {@code fmin} have them).
 */
final class LineSearch {
  private static final double FIRST_STEP = 0.05;
  private static final double STEP_FROM_ZERO = 0.00025;
  private static final double TOLERANCE = 1e-4;
  private static final int LIMIT = 200;

  private final DoubleUnaryOperator f;
  private double best;
  private double other;
  private double atBest;
  private double atOther;

  private LineSearch(DoubleUnaryOperator f, double start) {
    this.f = f;
    this.best = start;
    this.other = start == 0 ? STEP_FROM_ZERO : (1 + FIRST_STEP) * start;
    this.atBest = f.applyAsDouble(best);
    this.atOther = f.applyAsDouble(other);
  }

  /** Looks at begin, begin + step, … below end, then around the first of the best. */
  static double minimum(DoubleUnaryOperator f, double begin, double end, double step) {
    double at = begin;
    double least = Double.POSITIVE_INFINITY;
    int points = (int) Math.ceil((end - begin) / step);
    for (int i = 0; i < points; i++) {
      double value = f.applyAsDouble(begin + i * step);
      if (value < least) {
        least = value;
        at = begin + i * step;
      }
    }
    return new LineSearch(f, at).polish();
  }

  private double polish() {
    order();
    for (int i = 0; i < LIMIT && !isDone(); i++) {
      move();
      order();
    }
    return best;
  }

  private boolean isDone() {
    return Math.abs(other - best) <= TOLERANCE && Math.abs(atOther - atBest) <= TOLERANCE;
  }

  private void order() {
    if (atOther < atBest) {
      double x = best;
      double y = atBest;
      best = other;
      atBest = atOther;
      other = x;
      atOther = y;
    }
  }

  private void move() {
    double reflected = 2 * best - other;
    double atReflected = f.applyAsDouble(reflected);
    if (atReflected < atBest) {
      double expanded = 3 * best - 2 * other;
      double atExpanded = f.applyAsDouble(expanded);
      if (atExpanded < atReflected) {
        replace(expanded, atExpanded);
      } else {
        replace(reflected, atReflected);
      }
      return;
    }
    boolean outside = atReflected < atOther;
    double contracted = outside ? 1.5 * best - 0.5 * other : 0.5 * (best + other);
    double atContracted = f.applyAsDouble(contracted);
    if (outside ? atContracted <= atReflected : atContracted < atOther) {
      replace(contracted, atContracted);
    } else {
      double shrunk = best + 0.5 * (other - best);
      replace(shrunk, f.applyAsDouble(shrunk));
    }
  }

  private void replace(double x, double value) {
    other = x;
    atOther = value;
  }
}
