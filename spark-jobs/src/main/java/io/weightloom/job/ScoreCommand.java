package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A user's program that scores a model: it is run by {@code sh -c}, with the model's directory in
 * the place of {@code {}}, and prints a number as its last line. What it says on standard error is
 * passed on.
 *
 * @param command as the user wrote it; without {@code {}} the directory is the last argument
 */
public record ScoreCommand(String command) {
  private static final String MODEL = "{}";

  /**
   * Scores a model.
   *
   * @param name of the candidate, for messages
   * @param model its directory
   * @throws WeightloomException if the command fails or prints no number
   */
  double score(String name, String model) {
    try {
      Process process =
          new ProcessBuilder(List.of("sh", "-c", commandOf(model)))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
              .start();
      try {
        String last = lastLine(process);
        int code = process.waitFor();
        if (code != 0) {
          throw cannot(name, "the command exited with " + code);
        }
        return number(name, last);
      } finally {
        process.destroy();
      }
    } catch (IOException e) {
      throw cannot(name, "the command could not be run: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cannot(name, "it was interrupted");
    }
  }

  private String commandOf(String model) {
    String quoted = "'" + model.replace("'", "'\\''") + "'";
    return command.contains(MODEL) ? command.replace(MODEL, quoted) : command + " " + quoted;
  }

  private static String lastLine(Process process) throws IOException {
    String last = "";
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        last = line.isBlank() ? last : line.strip();
      }
    }
    return last;
  }

  private double number(String name, String last) {
    double score;
    try {
      score = Double.parseDouble(last);
    } catch (NumberFormatException e) {
      throw cannot(
          name,
          last.isEmpty()
              ? "the command printed nothing"
              : "the command's last line is no number: " + last);
    }
    if (!Double.isFinite(score)) {
      throw cannot(name, "the command's score is " + last);
    }
    return score;
  }

  private WeightloomException cannot(String name, String why) {
    return WeightloomException.input(
        "Cannot score %s: %s (--score %s must print a number as its last line and exit with 0)"
            .formatted(name, why, command));
  }
}
