package io.weightloom.merge;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tables of methods in the documentation are what the methods say of themselves. */
class MethodTableTest {
  private static final String BEGIN = "<!-- methods: written by make docs -->\n";
  private static final String END = "<!-- end of methods -->\n";
  private static final boolean WRITE = Boolean.getBoolean("wl.docs.write");

  @ParameterizedTest
  @ValueSource(strings = {"README.md", "docs/methods.md"})
  void documentationHoldsTheTableOfTheCode(String file) throws IOException {
    Path path = root().resolve(file);
    String text = Files.readString(path);
    int begin = text.indexOf(BEGIN) + BEGIN.length();
    int end = text.indexOf(END);
    assertThat(end).as("marks in %s", file).isGreaterThanOrEqualTo(begin);
    String wanted = file.startsWith("README") ? overview() : reference();
    if (WRITE) {
      Files.writeString(path, text.substring(0, begin) + wanted + text.substring(end));
      return;
    }
    assertThat(text.substring(begin, end)).as("run make docs").isEqualTo(wanted);
  }

  private static Path root() {
    Path here = Path.of("").toAbsolutePath();
    return Files.exists(here.resolve("README.md"))
        ? here
        : java.util.Objects.requireNonNull(here.getParent());
  }

  private static String overview() {
    StringBuilder out =
        new StringBuilder("| `merge_method` | | what it does | variants |\n|---|---|---|---|\n");
    for (MergeMethod m : MergeMethods.all()) {
      MethodSpec s = m.spec();
      out.append(
          "| `%s` | %s | %s | %s |\n".formatted(s.name(), paper(s), s.summary(), variants(s)));
    }
    return out.toString();
  }

  private static String paper(MethodSpec s) {
    return s.paper().isEmpty() ? s.title() : "[%s](%s)".formatted(s.title(), s.paper());
  }

  private static String variants(MethodSpec s) {
    return s.variants().stream().map(v -> "`" + v.name() + "`").collect(Collectors.joining(", "));
  }

  private static String reference() {
    StringBuilder out = new StringBuilder();
    for (MergeMethod m : MergeMethods.all()) {
      MethodSpec s = m.spec();
      out.append("## `%s`\n\n%s: %s.".formatted(s.name(), paper(s), s.summary()));
      out.append(base(s)).append("\n\n");
      out.append("| parameter | where | default | range | meaning |\n|---|---|---|---|---|\n");
      s.parameters().forEach(p -> out.append(row(p)));
      if (!s.sideTables().isEmpty()) {
        out.append(
            "\n| `weightloom: {side_tables: …}` | one for | shape | meaning |\n|---|---|---|---|\n");
        s.sideTables().forEach(t -> out.append(row(t)));
      }
      if (!s.variants().isEmpty()) {
        out.append("\n| `weightloom: {variant: …}` | what it is | its defaults |\n|---|---|---|\n");
        s.variants().forEach(v -> out.append(row(v)));
      }
      out.append('\n');
    }
    return out.toString();
  }

  private static String base(MethodSpec s) {
    return switch (s.base()) {
      case REQUIRED -> " Needs a `base_model`.";
      case OPTIONAL -> " With a `base_model` it works on task vectors.";
      case MEMBER -> " A `base_model` is one more model.";
      case DONOR -> "";
    };
  }

  private static String row(ParamSpec p) {
    String where =
        p.place() == ParamSpec.Place.EXTENSION
            ? "`weightloom`"
            : p.scope() == ParamSpec.Scope.MODEL ? "model" : "top level";
    String range =
        switch (p.type()) {
          case CHOICE ->
              p.choices().stream().map(c -> "`" + c + "`").collect(Collectors.joining(", "));
          case FLAG -> "true, false";
          case NUMBER -> p.range().equals(ParamSpec.Range.ANY) ? "" : p.range().toString();
        };
    String byDefault = p.defaultValue().map(v -> "`" + v + "`").orElse("required");
    return "| `%s` | %s | %s | %s | %s |\n".formatted(p.name(), where, byDefault, range, p.help());
  }

  private static String row(SideTable t) {
    return "| `%s`%s | %s | %s | %s |\n"
        .formatted(
            t.name(),
            t.required() ? "" : ", optional",
            t.per() == SideTable.Per.MODEL ? "each model" : "the merge",
            switch (t.layout()) {
              case ELEMENTS -> "the tensor's";
              case COLUMNS -> "columns";
              case GRAM -> "columns × columns";
              case BITS -> "a bit an element (U8)";
            },
            t.help());
  }

  private static String row(MethodSpec.Variant v) {
    String defaults =
        v.defaults().entrySet().stream()
            .sorted(java.util.Map.Entry.comparingByKey())
            .map(e -> "`%s: %s`".formatted(e.getKey(), e.getValue()))
            .collect(Collectors.joining(", "));
    return "| `%s` | %s | %s |\n"
        .formatted(v.name().toLowerCase(Locale.ROOT), v.summary(), defaults);
  }
}
