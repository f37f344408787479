package io.weightloom.udf;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The table of functions in the documentation is what the functions say of themselves. */
class FunctionTableTest {
  private static final String BEGIN = "<!-- functions: written by make docs -->\n";
  private static final String END = "<!-- end of functions -->\n";

  @Test
  void documentationHoldsTheTableOfTheCode() throws IOException {
    Path here = Path.of("").toAbsolutePath();
    Path page =
        (Files.exists(here.resolve("README.md")) ? here : requireNonNull(here.getParent()))
            .resolve("docs/functions.md");
    String text = Files.readString(page);
    int begin = text.indexOf(BEGIN) + BEGIN.length();
    int end = text.indexOf(END);
    assertThat(end).as("marks in %s", page).isGreaterThanOrEqualTo(begin);
    if (Boolean.getBoolean("wl.docs.write")) {
      Files.writeString(page, text.substring(0, begin) + tables() + text.substring(end));
      return;
    }
    assertThat(text.substring(begin, end)).as("run make docs").isEqualTo(tables());
  }

  private static String tables() {
    StringBuilder out = new StringBuilder();
    String theme = "";
    for (WeightFunction function : Functions.all()) {
      FunctionSpec spec = function.spec();
      if (!spec.theme().equals(theme)) {
        theme = spec.theme();
        out.append("\n## ").append(theme).append("\n\n");
        out.append("| function | gives | | example |\n|---|---|---|---|\n");
      }
      out.append(
          "| %s | `%s` | %s | %s |\n"
              .formatted(
                  "`" + spec.signature() + "`",
                  spec.result().simpleString(),
                  spec.usage() + parameters(spec),
                  spec.examples().stream()
                      .map(e -> "`%s` → `%s`".formatted(e.expression(), e.result()))
                      .collect(Collectors.joining("<br>"))));
    }
    return out.append('\n').toString();
  }

  /** Those beyond the block and its dtype, which the page tells of once. */
  private static String parameters(FunctionSpec spec) {
    String own =
        spec.parameters().stream()
            .filter(p -> !p.name().equals("data") && !p.name().equals("dtype"))
            .map(p -> "`%s` %s: %s".formatted(p.name(), p.type().simpleString(), p.help()))
            .collect(Collectors.joining("; "));
    return own.isEmpty() ? "" : "<br>" + own;
  }
}
