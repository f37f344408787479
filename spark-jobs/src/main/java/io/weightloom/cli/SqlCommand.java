package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.SqlSession;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code weightloom sql}. */
@Command(
    name = "sql",
    description = "Query models with Spark SQL: the catalog models, the wl_ functions.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom sql -e 'SHOW NAMESPACES IN models'",
      "  weightloom sql --models /zoo -e 'SELECT * FROM models.`org/name`.tensors'",
      "  weightloom sql -e 'SELECT tensor, wl_l2(data, dtype) FROM models.base.blocks'",
      "  weightloom sql -f report.sql --output json | jq .tensor",
      "",
      "The catalog models shows the models in --models, else in WEIGHTLOOM_MODELS, else in the",
      "working directory. Each model has the tables blocks, tensors and config."
    })
final class SqlCommand implements Callable<Integer> {
  private static final String MODELS = "WEIGHTLOOM_MODELS";
  private static final int ROWS_SHOWN = 1000;

  /** How rows are printed. */
  enum Format {
    /** An aligned table. */
    TEXT,
    /** A JSON object a line. */
    JSON,
    /** Comma-separated values below a line of names. */
    CSV
  }

  /** Where the statements are. */
  static final class Source {
    @Option(names = "-e", paramLabel = "SQL", description = "statements, separated by semicolons")
    private @Nullable String text;

    @Option(
        names = {"-f", "--file"},
        paramLabel = "FILE",
        description = "a file of statements; - is standard input")
    private @Nullable String file;

    String read() throws IOException {
      if (text != null || file == null) {
        return text == null ? "" : text;
      }
      if (file.equals("-")) {
        return new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
      }
      try {
        return Files.readString(Path.of(file));
      } catch (IOException e) {
        String why = e instanceof NoSuchFileException ? "there is no such file" : e.toString();
        throw WeightloomException.usage(
            "Cannot read the statements of %s: %s (see whether the path is right)"
                .formatted(file, why));
      }
    }
  }

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  @Option(
      names = "--models",
      paramLabel = "PATH",
      description = "the folder or bucket that the catalog models shows")
  private @Nullable String models;

  @Option(
      names = "--catalog",
      paramLabel = "NAME=PATH",
      description = "a further catalog of models; may be given several times")
  private Map<String, String> catalogs = new LinkedHashMap<>();

  @Option(names = "--output", defaultValue = "text", description = "text, json or csv")
  private Format format = Format.TEXT;

  @Option(
      names = "--limit",
      paramLabel = "ROWS",
      description = "most rows printed of each statement (default: 1000 as text, else all)")
  private @Nullable Integer limit;

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark master; read by the launcher (default: the cores of this machine)")
  private @Nullable String master;

  private boolean printed;

  @Override
  public Integer call() throws IOException {
    if (limit != null && limit < 0) {
      throw WeightloomException.usage(
          "Cannot print %d rows: --limit must be 0 or more (leave it out for all)"
              .formatted(limit));
    }
    List<String> statements = SqlScript.statements(source.read());
    if (statements.isEmpty()) {
      throw WeightloomException.usage(
          "Cannot run the query: there is no statement in it (give one with -e 'SELECT …')");
    }
    // Spark prints tables in UTF-8 whatever the locale, and so do we.
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    try (SqlSession session = SqlSession.open(master, folders())) {
      for (String statement : statements) {
        if (format == Format.TEXT && printed) {
          out.println();
        }
        run(session.spark(), statement, out);
      }
    } finally {
      out.flush();
    }
    return 0;
  }

  private Map<String, String> folders() {
    Map<String, String> all = new LinkedHashMap<>(catalogs);
    String path = models == null ? System.getenv(MODELS) : models;
    all.putIfAbsent(SqlSession.MODELS, path == null || path.isBlank() ? "." : path);
    return all;
  }

  private void run(SparkSession spark, String statement, PrintStream out) {
    try {
      Dataset<Row> result = spark.sql(statement);
      if (result.schema().isEmpty()) {
        return;
      }
      if (format == Format.TEXT) {
        text(result, out);
      } else {
        lines(result, out);
      }
    } catch (Exception e) { // Scala does not declare what it throws.
      throw said(e);
    }
  }

  private void text(Dataset<Row> result, PrintStream out) {
    printed = true;
    int most = limit == null ? ROWS_SHOWN : limit;
    List<Row> rows = ResultTable.abbreviated(result).takeAsList(most + 1);
    boolean more = rows.size() > most;
    List<Row> shown = more ? rows.subList(0, most) : rows;
    ResultTable table = ResultTable.of(result, shown);
    out.print(table.text());
    out.flush();
    if (!table.isProse()) {
      System.err.printf(
          "%d row%s%s%n",
          shown.size(), shown.size() == 1 ? "" : "s", more ? ", and more (see --limit)" : "");
    }
  }

  private void lines(Dataset<Row> result, PrintStream out) {
    Dataset<Row> rows = limit == null ? result : result.limit(limit);
    if (format == Format.JSON) {
      Column object = functions.struct(functions.col("*"));
      Map<String, String> options = Map.of("ignoreNullFields", "false");
      rows.select(functions.to_json(object, options))
          .toLocalIterator()
          .forEachRemaining(line -> out.print(line.getString(0) + "\n"));
      return;
    }
    out.print(ResultTable.csv(Arrays.asList(rows.schema().fieldNames())));
    Iterator<Row> all = rows.toLocalIterator();
    while (all.hasNext()) {
      Row row = all.next();
      List<@Nullable Object> values = new ArrayList<>();
      for (int i = 0; i < row.length(); i++) {
        values.add(row.get(i));
      }
      out.print(ResultTable.csv(values));
    }
  }

  /** What is the user's to mend as such; the rest as it is. */
  private static RuntimeException said(Exception e) {
    if (WeightloomException.in(e).isPresent()) {
      return WeightloomException.in(e).get();
    }
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof AnalysisException analysis) {
        return WeightloomException.usage("Cannot run the query: " + analysis.getSimpleMessage());
      }
      if (t instanceof SparkThrowable known
          && known.getCondition() != null
          && !known.isInternalError()) {
        return WeightloomException.usage("Cannot run the query: " + t.getMessage());
      }
    }
    return e instanceof RuntimeException r ? r : new IllegalStateException(e);
  }
}
