package io.weightloom.analysis;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Objects;
import java.util.Properties;

/** Values that another program made, in {@code /golden}. */
public final class Goldens {
  private final Properties values = new Properties();

  /** Reads {@code /golden/<name>.properties}. */
  public static Goldens of(String name) {
    Goldens goldens = new Goldens();
    try (InputStream in = Goldens.class.getResourceAsStream("/golden/" + name + ".properties");
        Reader text = new InputStreamReader(Objects.requireNonNull(in), StandardCharsets.UTF_8)) {
      goldens.values.load(text);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return goldens;
  }

  public String text(String key) {
    return Objects.requireNonNull(values.getProperty(key), key);
  }

  public byte[] bytes(String key) {
    return Base64.getDecoder().decode(text(key));
  }

  public double number(String key) {
    return numbers(key)[0];
  }

  public double[] numbers(String key) {
    return Arrays.stream(text(key).split(",")).mapToDouble(Double::parseDouble).toArray();
  }

  public long count(String key) {
    return counts(key)[0];
  }

  public long[] counts(String key) {
    return Arrays.stream(text(key).split(",")).mapToLong(Long::parseLong).toArray();
  }
}
