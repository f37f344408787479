package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** A JSON file of scores that were made elsewhere: the higher, the more something matters. */
final class ScoreFile {
  private final Path file;
  private final String what;
  private final String layout;

  /**
   * @param what goes by these scores, such as {@code layers}
   * @param layout what the file must be
   */
  ScoreFile(Path file, String what, String layout) {
    this.file = file;
    this.what = what;
    this.layout = layout;
  }

  /** Reads the file. */
  JsonNode read() {
    try {
      return new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (IOException e) {
      throw WeightloomException.usage(
          "Cannot read the scores of %s, %s: %s (it must be %s)"
              .formatted(what, file, e.getMessage(), layout));
    }
  }

  /** The numbers of a list; NaN for what is none. */
  static double[] numbers(JsonNode list) {
    double[] values = new double[list.size()];
    Arrays.setAll(values, i -> list.path(i).isNumber() ? list.path(i).asDouble() : Double.NaN);
    return values;
  }

  /** Whether these are so many finite numbers. */
  static boolean isComplete(double[] values, int count) {
    return values.length == count && Arrays.stream(values).allMatch(Double::isFinite);
  }

  /** The error of a file that does not fit the model. */
  WeightloomException misfit(String why) {
    return WeightloomException.input(
        "Cannot remove %s by the scores %s: %s (give %s)".formatted(what, file, why, layout));
  }
}
