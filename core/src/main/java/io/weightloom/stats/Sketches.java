package io.weightloom.stats;

import io.weightloom.error.WeightloomException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * The frame of statistics stored as bytes: the letter {@code W}, a letter for what it is, the
 * format's version, then the fields, big-endian.
 */
final class Sketches {
  private static final int VERSION = 1;

  /** What a sketch can be. */
  enum Kind {
    STATISTICS('S', "block statistics"),
    HISTOGRAM('H', "a magnitude histogram"),
    GRAM('G', "a Gram matrix");

    private final char letter;
    private final String label;

    Kind(char letter, String label) {
      this.letter = letter;
      this.label = label;
    }
  }

  /** Writes the fields. */
  @FunctionalInterface
  interface Writer {
    void to(DataOutputStream out) throws IOException;
  }

  /** Reads the fields; an {@link IOException} tells what is wrong with them. */
  @FunctionalInterface
  interface Reader<T> {
    T from(DataInputStream in) throws IOException;
  }

  private Sketches() {}

  static byte[] write(Kind kind, Writer fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.write('W');
      out.write(kind.letter);
      out.write(VERSION);
      fields.to(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * @throws WeightloomException if the bytes are something else, of another version or damaged
   */
  static <T> T read(Kind kind, byte[] sketch, Reader<T> fields) {
    if (sketch.length < 3 || sketch[0] != 'W' || sketch[1] != kind.letter) {
      throw broken(kind, sketch, "they are " + named(sketch));
    }
    if (sketch[2] != VERSION) {
      throw broken(kind, sketch, "they have format version " + sketch[2] + ", known is " + VERSION);
    }
    try (DataInputStream in =
        new DataInputStream(new ByteArrayInputStream(sketch, 3, sketch.length - 3))) {
      T value = fields.from(in);
      if (in.available() > 0) {
        throw broken(kind, sketch, in.available() + " bytes are left over");
      }
      return value;
    } catch (EOFException e) {
      throw broken(kind, sketch, "they end too early");
    } catch (IOException e) {
      throw broken(kind, sketch, "they hold " + e.getMessage());
    }
  }

  private static String named(byte[] sketch) {
    if (sketch.length >= 3 && sketch[0] == 'W') {
      for (Kind kind : Kind.values()) {
        if (sketch[1] == kind.letter) {
          return kind.label;
        }
      }
    }
    return "no sketch";
  }

  private static WeightloomException broken(Kind kind, byte[] sketch, String why) {
    return WeightloomException.input(
        "Cannot read %s from %d bytes: %s (make the sketch again)"
            .formatted(kind.label, sketch.length, why));
  }
}
