package io.weightloom.compare;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * How a tensor differs between two models, τ being that of the second less that of the first.
 *
 * @param first index of the first model, the base if there is one
 * @param second index of the second
 * @param elements all elements
 * @param changedBits elements stored in other bits; −1 if the dtypes differ
 * @param changedValues elements of another value: ±0 are one value, and so are all NaNs
 * @param nonFinite changed elements whose difference is no finite number; τ counts as 0 there
 * @param squares Στ²
 * @param magnitudes Σ|τ|
 * @param min the least τ; +∞ of nothing
 * @param max the greatest
 * @param firstSquares Σw² of the first model's finite values
 * @param secondSquares of the second's
 * @param ulp the median of the first model's units in the last place, in its own type; NaN if all
 *     are 0
 * @param redundancy null if there were too many pairs to look
 */
public record Pair(
    int first,
    int second,
    long elements,
    long changedBits,
    long changedValues,
    long nonFinite,
    double squares,
    double magnitudes,
    double min,
    double max,
    double firstSquares,
    double secondSquares,
    double ulp,
    @Nullable Redundancy redundancy)
    implements Serializable {
  private static final long serialVersionUID = 1;

  /** The same as a term of a sum over tensors: without what does not add up. */
  Pair total() {
    return new Pair(
        first,
        second,
        elements,
        changedBits,
        changedValues,
        nonFinite,
        squares,
        magnitudes,
        min,
        max,
        firstSquares,
        secondSquares,
        Double.NaN,
        null);
  }

  /** The sum of two {@linkplain #total terms}. */
  Pair plus(Pair other) {
    return new Pair(
        first,
        second,
        elements + other.elements,
        changedBits < 0 || other.changedBits < 0 ? -1 : changedBits + other.changedBits,
        changedValues + other.changedValues,
        nonFinite + other.nonFinite,
        squares + other.squares,
        magnitudes + other.magnitudes,
        Math.min(min, other.min),
        Math.max(max, other.max),
        firstSquares + other.firstSquares,
        secondSquares + other.secondSquares,
        Double.NaN,
        null);
  }

  /** ‖τ‖. */
  public double distance() {
    return Math.sqrt(squares);
  }

  /** ‖τ‖ / ‖w‖ of the first model. */
  public double relativeDistance() {
    return Math.sqrt(squares / firstSquares);
  }

  public double meanMagnitude() {
    return magnitudes / elements;
  }

  public double maxMagnitude() {
    return elements == 0 ? Double.NaN : Math.max(Math.abs(min), Math.abs(max));
  }

  /**
   * 1 − cos of the angle between both tensors, from 0 to 2: the rotation of a layer, where the
   * first is its initialisation (Carbonnelle and De Vleeschouwer). Computed as {@code (‖τ‖² − (‖a‖
   * − ‖b‖)²) / (2‖a‖‖b‖)}, which small angles do not cancel in; NaN if a norm is 0.
   */
  public double rotation() {
    double a = Math.sqrt(firstSquares);
    double b = Math.sqrt(secondSquares);
    double stretch = a - b;
    return Math.min(2, Math.max(0, (squares - stretch * stretch) / (2 * a * b)));
  }

  public double cosine() {
    return 1 - rotation();
  }

  /** RMS of τ in units of the median ulp: below 1, rounding ate much of an update. */
  public double deltaToUlp() {
    return Math.sqrt(squares / elements) / ulp;
  }
}
