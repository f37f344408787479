package io.weightloom.examples.zoo;

import static io.weightloom.examples.zoo.Figure.fill;
import static io.weightloom.examples.zoo.Figure.segment;
import static io.weightloom.examples.zoo.Figure.stroke;

import java.util.Locale;

/** What a network of the zoo can learn: to tell the classes of one kind of picture apart. */
public enum Task {
  DIGITS(10) {
    @Override
    Figure figure(int label, Dice dice) {
      return Glyphs.digit(label);
    }
  },
  LETTERS(26) {
    @Override
    Figure figure(int label, Dice dice) {
      return Glyphs.letter(label);
    }
  },
  SHAPES(8) {
    @Override
    Figure figure(int label, Dice dice) {
      double size = dice.between(0.45, 0.75);
      double pen = dice.between(0.06, 0.12);
      return (u, v) -> shape(label, u, v, size, pen);
    }
  },
  /** Stripes of four directions, coarse or fine. */
  TEXTURES(8) {
    @Override
    Figure figure(int label, Dice dice) {
      double angle = (label % 4) * Math.PI / 4 + dice.between(-0.2, 0.2);
      double frequency = (label < 4 ? 5.0 : 8.0) * dice.between(0.88, 1.12);
      double phase = dice.between(0, 2 * Math.PI);
      double cos = StrictMath.cos(angle) * frequency;
      double sin = StrictMath.sin(angle) * frequency;
      return (u, v) -> 0.3 + 0.3 * StrictMath.sin(cos * u + sin * v + phase);
    }
  },
  /** Which of eight winds an arrow points to. */
  ARROWS(8) {
    @Override
    Figure figure(int label, Dice dice) {
      double angle = label * Math.PI / 4 + dice.between(-0.2, 0.2);
      double length = dice.between(0.5, 0.8);
      double cos = StrictMath.cos(angle);
      double sin = StrictMath.sin(angle);
      return (u, v) -> arrow(cos * u + sin * v, cos * v - sin * u, length);
    }
  },
  /** The seven tetrominoes, in any rotation. */
  BLOCKS(Glyphs.blockCount()) {
    @Override
    Figure figure(int label, Dice dice) {
      return Glyphs.block(label, dice.below(4));
    }
  };

  private final int classes;

  Task(int classes) {
    this.classes = classes;
  }

  /** The number of classes. */
  public int classes() {
    return classes;
  }

  /** The task's name in files and tables. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** A picture's content for a class. */
  abstract Figure figure(int label, Dice dice);

  private static double shape(int label, double u, double v, double size, double pen) {
    double disc = Math.sqrt(u * u + v * v) - size;
    double square = Math.max(Math.abs(u), Math.abs(v)) - size * 0.85;
    double diamond = (Math.abs(u) + Math.abs(v) - size * 1.15) * 0.7;
    double triangle = Math.max(0.89 * Math.abs(u) + 0.45 * v, -v - 0.1) - 0.5 * size;
    return switch (label) {
      case 0 -> fill(disc);
      case 1 -> stroke(disc, pen);
      case 2 -> fill(square);
      case 3 -> stroke(square, pen);
      case 4 -> fill(diamond);
      case 5 -> stroke(diamond, pen);
      case 6 -> fill(triangle);
      default -> stroke(triangle, pen);
    };
  }

  private static double arrow(double along, double across, double length) {
    double shaft = segment(along, across, -length, 0, length, 0);
    double barb = segment(along, Math.abs(across), length, 0, length - 0.4, 0.4);
    return fill(Math.min(shaft, barb) - 0.1);
  }
}
