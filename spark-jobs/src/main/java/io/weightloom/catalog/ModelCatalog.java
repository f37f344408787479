package io.weightloom.catalog;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.LocalStorage;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.recipe.Suggestion;
import io.weightloom.source.CheckpointTable;
import io.weightloom.source.Failures;
import io.weightloom.source.SourceModel;
import io.weightloom.tensor.DType;
import io.weightloom.udf.WeightloomFunctions;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.analysis.NoSuchFunctionException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;

/**
 * A folder or bucket of models as a read-only catalog of Spark SQL.
 *
 * <pre>{@code
 * spark.sql.catalog.models       io.weightloom.catalog.ModelCatalog
 * spark.sql.catalog.models.path  /zoo
 * }</pre>
 *
 * <p>A model is a namespace, {@code models.`org/name`}, of the tables {@code blocks}, {@code
 * tensors} and {@code config}; tables of the same names beside the namespaces, {@code
 * models.tensors}, hold the rows of all models. A model of a Hugging Face cache may be read as of a
 * revision: {@code models.`org/name`.tensors VERSION AS OF 'v1.0'}. The catalog keeps nothing: it
 * looks into the folder each time. Failures are Spark's analysis errors, caused by a {@link
 * WeightloomException}.
 */
public final class ModelCatalog implements TableCatalog, SupportsNamespaces, FunctionCatalog {
  private static final String PATH = "path";
  private static final List<String> OPTIONS = List.of(PATH);

  private final FunctionCatalog functions = new WeightloomFunctions();
  private @Nullable String name;
  private @Nullable ModelFolder folder;

  @Override
  public void initialize(String catalog, CaseInsensitiveStringMap options) {
    name = catalog;
    Failures.shown(
        () -> {
          folder = ModelFolder.of(root(catalog, options));
          return true;
        });
  }

  private static String root(String catalog, CaseInsensitiveStringMap options) {
    String prefix = "spark.sql.catalog." + catalog + ".";
    for (String option : options.asCaseSensitiveMap().keySet()) {
      if (OPTIONS.stream().noneMatch(option::equalsIgnoreCase)) {
        throw WeightloomException.usage(
            "Cannot use the catalog %s: %s%s is no option of it%s"
                .formatted(catalog, prefix, option, Suggestion.phrase(option, OPTIONS)));
      }
    }
    String path = options.getOrDefault(PATH, "");
    if (path.isBlank()) {
      throw WeightloomException.usage(
          "Cannot use the catalog %s: it does not know where the models are (set %s%s to their folder or bucket)"
              .formatted(catalog, prefix, PATH));
    }
    return Storage.of(path) instanceof LocalStorage
        ? LocalStorage.toPath(path).toAbsolutePath().normalize().toString()
        : path.replaceFirst("(?<=[^/:])/+$", "");
  }

  @Override
  public String name() {
    if (name == null) {
      throw new IllegalStateException("the catalog is not initialized");
    }
    return name;
  }

  private ModelFolder folder() {
    if (folder == null) {
      throw new IllegalStateException("the catalog is not initialized");
    }
    return folder;
  }

  private SourceModel model(String[] namespace, Optional<String> revision) {
    return folder().model(String.join("/", namespace), revision);
  }

  private boolean exists(String[] namespace) {
    try {
      model(namespace, Optional.empty());
      return true;
    } catch (WeightloomException e) {
      return false;
    }
  }

  // Namespaces

  @Override
  public String[][] listNamespaces() {
    return Failures.shown(
        () ->
            folder().models().stream().map(m -> new String[] {m.name()}).toArray(String[][]::new));
  }

  @Override
  public String[][] listNamespaces(String[] namespace) {
    return Failures.shown(
        () -> {
          if (namespace.length == 0) {
            return listNamespaces();
          }
          model(namespace, Optional.empty());
          return new String[0][];
        });
  }

  @Override
  public boolean namespaceExists(String[] namespace) {
    return namespace.length == 0 || exists(namespace);
  }

  /** Where the model is and what its headers say. */
  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace) {
    return Failures.shown(
        () -> {
          if (namespace.length == 0) {
            return Map.of(TableCatalog.PROP_LOCATION, folder().root());
          }
          ModelDir dir = model(namespace, Optional.empty()).dir();
          Map<String, String> facts = new LinkedHashMap<>();
          facts.put(TableCatalog.PROP_LOCATION, dir.path());
          facts.put("tensors", String.valueOf(dir.tensors().size()));
          facts.put("parameters", String.valueOf(dir.parameters()));
          facts.put("dtype", dir.mainDType().map(DType::name).orElse(""));
          facts.put("files", String.valueOf(dir.shards().size()));
          return facts;
        });
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata) {
    throw readOnly("create namespace " + String.join(".", namespace));
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes) {
    throw readOnly("alter namespace " + String.join(".", namespace));
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade) {
    throw readOnly("drop namespace " + String.join(".", namespace));
  }

  // Tables

  /** A model's tables; for the catalog itself its own and those of all models. */
  @Override
  public Identifier[] listTables(String[] namespace) {
    return Failures.shown(
        () -> {
          if (namespace.length > 0) {
            model(namespace, Optional.empty());
            return tables(namespace).toArray(Identifier[]::new);
          }
          Stream<Identifier> ofModels =
              folder().models().stream().flatMap(m -> tables(new String[] {m.name()}));
          return Stream.concat(tables(namespace), ofModels).toArray(Identifier[]::new);
        });
  }

  private static Stream<Identifier> tables(String[] namespace) {
    return ModelTable.labels().stream().map(label -> Identifier.of(namespace, label));
  }

  @Override
  public boolean tableExists(Identifier ident) {
    return ModelTable.of(ident.name()).isPresent() && namespaceExists(ident.namespace());
  }

  @Override
  public Table loadTable(Identifier ident) {
    return Failures.shown(() -> load(ident, Optional.empty()));
  }

  /** A table of a model as of a branch, tag or commit of its repository. */
  @Override
  public Table loadTable(Identifier ident, String version) {
    return Failures.shown(() -> load(ident, Optional.of(version)));
  }

  private Table load(Identifier ident, Optional<String> revision) {
    boolean all = ident.namespace().length == 0;
    if (all && revision.isPresent()) {
      throw WeightloomException.usage(
          "Cannot read %s.%s as of %s: only a single model has revisions (name the model)"
              .formatted(name(), ident.name(), revision.get()));
    }
    ModelTable table = ModelTable.of(ident.name()).orElseThrow(() -> unknown(ident));
    if (all) {
      return table(table, ident, () -> folder().models(), folder().root());
    }
    SourceModel model = model(ident.namespace(), revision);
    return table(table, ident, () -> List.of(model), model.path());
  }

  private Table table(
      ModelTable table,
      Identifier ident,
      Supplier<Collection<SourceModel>> models,
      String location) {
    String full = Stream.concat(Stream.of(name()), quoted(ident)).reduce("", ModelCatalog::dotted);
    Map<String, String> properties =
        Map.of(
            TableCatalog.PROP_LOCATION,
            location,
            TableCatalog.PROP_COMMENT,
            table.comment(),
            TableCatalog.PROP_PROVIDER,
            "checkpoint");
    return switch (table) {
      case TENSORS ->
          new HeaderTable(full, ModelRows.TENSORS, properties, models, ModelRows::tensors);
      case CONFIG -> new HeaderTable(full, ModelRows.CONFIG, properties, models, ModelRows::config);
      case BLOCKS -> CheckpointTable.of(full, () -> List.copyOf(models.get()));
    };
  }

  private static Stream<String> quoted(Identifier ident) {
    return Stream.concat(
        Arrays.stream(ident.namespace()).map(n -> "`" + n.replace("`", "``") + "`"),
        Stream.of(ident.name()));
  }

  private static String dotted(String a, String b) {
    return a.isEmpty() ? b : a + "." + b;
  }

  private WeightloomException unknown(Identifier ident) {
    boolean isModel = ident.namespace().length == 0 && exists(new String[] {ident.name()});
    return WeightloomException.usage(
        isModel
            ? "Cannot read %1$s.`%2$s`: it is a model, not a table (name one of its tables, such as %1$s.`%2$s`.tensors)"
                .formatted(name(), ident.name())
            : "Cannot find table %s of %s: there are blocks, config and tensors%s"
                .formatted(
                    ident.name(),
                    Stream.concat(
                            Stream.of(name()),
                            Arrays.stream(ident.namespace()).map(n -> "`" + n + "`"))
                        .reduce("", ModelCatalog::dotted),
                    Suggestion.closest(ident.name(), ModelTable.labels())
                        .map(t -> " (did you mean " + t + "?)")
                        .orElse(" (name one of them)")));
  }

  /** The form that every Spark 4 comes to. */
  @SuppressWarnings("deprecation")
  @Override
  public Table createTable(
      Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    throw readOnly("create table " + ident);
  }

  @Override
  public Table alterTable(Identifier ident, TableChange... changes) {
    throw readOnly("alter table " + ident);
  }

  @Override
  public boolean dropTable(Identifier ident) {
    throw readOnly("drop table " + ident);
  }

  @Override
  public void renameTable(Identifier from, Identifier to) {
    throw readOnly("rename table " + from);
  }

  // Functions

  @Override
  public Identifier[] listFunctions(String[] namespace) throws NoSuchNamespaceException {
    return functions.listFunctions(namespace);
  }

  /** The functions by the catalog's name, {@code models.wl_l2}, for sessions without extensions. */
  @Override
  public UnboundFunction loadFunction(Identifier ident) throws NoSuchFunctionException {
    return functions.loadFunction(ident);
  }

  private RuntimeException readOnly(String what) {
    return Failures.failure(
        WeightloomException.usage(
            "Cannot %s: the catalog %s is read-only, it shows the models of %s (write a model with df.write.format(\"checkpoint\"))"
                .formatted(what, name(), folder().root())));
  }
}
