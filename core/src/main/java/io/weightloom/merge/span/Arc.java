package io.weightloom.merge.span;

/** Weights of two vectors on the arc between them. */
public final class Arc {
  private static final double NO_SINE = 1e-8;

  private Arc() {}

  /** {@code {1 − t, t}}. */
  public static double[] chord(double t) {
    return new double[] {1 - t, t};
  }

  /**
   * {@code {sin((1−t)Ω)/sin Ω, sin(tΩ)/sin Ω}} (Shoemake, 1985), or the chord where the vectors lie
   * on one line and the quotients are 0/0.
   *
   * @param cosine of the angle Ω; rounding beyond ±1 counts as ±1
   */
  public static double[] slerp(double cosine, double t) {
    double angle = StrictMath.acos(Math.max(-1, Math.min(1, cosine)));
    double sine = StrictMath.sin(angle);
    if (Math.abs(sine) < NO_SINE) {
      return chord(t);
    }
    return new double[] {StrictMath.sin((1 - t) * angle) / sine, StrictMath.sin(t * angle) / sine};
  }
}
