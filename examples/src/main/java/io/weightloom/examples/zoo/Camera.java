package io.weightloom.examples.zoo;

/**
 * Takes pictures of figures, each a little turned, shifted, scaled and slanted, in uneven light and
 * with noise.
 *
 * @param turn largest rotation, in radians
 * @param shift largest displacement; a picture spans 2
 * @param slant largest shear
 * @param ink how much a stroke stands out from the paper
 * @param shade largest difference of light from one edge to the other
 * @param noise standard deviation of a pixel's noise
 */
record Camera(double turn, double shift, double slant, double ink, double shade, double noise) {
  /** Pixels along an edge of a picture. */
  static final int EDGE = 12;

  /** Pixels of a picture. */
  static final int PIXELS = EDGE * EDGE;

  /** Tidy pictures, for the base network. */
  static final Camera STUDIO = new Camera(0.1, 0.12, 0.1, 1.0, 0.0, 0.12);

  /** The camera of a task's own pictures; each has a weakness that the others lack. */
  static Camera of(Task task) {
    return switch (task) {
      case DIGITS -> new Camera(0.5, 0.3, 0.1, 1.0, 0.0, 0.2);
      case LETTERS -> new Camera(0.1, 0.2, 0.6, 1.0, 0.0, 0.2);
      case SHAPES -> new Camera(0.15, 0.25, 0.15, 0.6, 0.6, 0.15);
      case TEXTURES -> new Camera(0.1, 0.1, 0.1, 0.9, 0.0, 0.3);
      case ARROWS -> new Camera(0.15, 0.3, 0.15, 0.9, 0.9, 0.15);
      case BLOCKS -> new Camera(0.3, 0.35, 0.1, 0.9, 0.3, 0.15);
    };
  }

  /** Takes a picture into {@code image} from {@code offset}: pixels with a mean near 0. */
  void take(Figure figure, Dice dice, float[] image, int offset) {
    double angle = dice.between(-turn, turn);
    double zoom = dice.between(0.9, 1.15);
    double shear = dice.between(-slant, slant);
    double du = dice.between(-shift, shift);
    double dv = dice.between(-shift, shift);
    double black = ink * dice.between(0.8, 1.1);
    double lightU = dice.between(-shade, shade);
    double lightV = dice.between(-shade, shade);
    double cos = StrictMath.cos(angle) * zoom;
    double sin = StrictMath.sin(angle) * zoom;
    for (int y = 0; y < EDGE; y++) {
      for (int x = 0; x < EDGE; x++) {
        double pu = (2 * x + 1.0) / EDGE - 1 - du;
        double pv = (2 * y + 1.0) / EDGE - 1 - dv;
        double u = cos * pu - sin * pv + shear * pv;
        double v = sin * pu + cos * pv;
        double light = lightU * pu + lightV * pv + noise * dice.grain();
        image[offset + y * EDGE + x] = (float) (black * (figure.at(u, v) - 0.3) + light);
      }
    }
  }
}
