package io.weightloom.udf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weightloom.error.WeightloomException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The functions in a real session, by SQL and by the DataFrame API. */
class FunctionsTest {

  static Stream<WeightFunction> all() {
    return Functions.all().stream();
  }

  static Stream<WeightFunction> scalars() {
    return all().filter(BlockFunction.class::isInstance);
  }

  @ParameterizedTest
  @MethodSource("all")
  void examplesGiveWhatTheySay(WeightFunction function) {
    assertThat(function.spec().examples()).isNotEmpty();
    for (FunctionSpec.Example example : function.spec().examples()) {
      assertThat(shown("SELECT " + example.expression()))
          .as(example.expression())
          .isEqualTo(example.result());
    }
  }

  private static String shown(String query) {
    return String.valueOf(spark().sql(query).head().get(0))
        .replaceAll("(?:Wrapped)?Array(?:Seq)?\\(([^()]*)\\)", "[$1]")
        .replaceAll("ArraySeq\\((.*)\\)", "[$1]")
        .replaceAll("(\\d), (-?\\d)", "$1,$2");
  }

  private static SparkSession spark() {
    return Sql.session();
  }

  @ParameterizedTest
  @MethodSource("all")
  void isDescribedWithUsageArgumentsAndExample(WeightFunction function) {
    FunctionSpec spec = function.spec();
    String told =
        spark().sql("DESCRIBE FUNCTION EXTENDED " + spec.name()).collectAsList().stream()
            .map(row -> row.getString(0))
            .collect(Collectors.joining("\n"));
    assertThat(told)
        .contains("Function: " + spec.name())
        .contains("Usage: " + spec.signature() + " - " + spec.usage())
        .contains("Arguments:")
        .contains("Examples:")
        .contains("> SELECT " + spec.examples().get(0).expression());
    spec.parameters()
        .forEach(
            p ->
                assertThat(told)
                    .contains("* " + p.name() + " " + p.type().sql() + " - " + p.help()));
  }

  @ParameterizedTest
  @MethodSource("scalars")
  void nullInAnyPlaceGivesNull(WeightFunction function) {
    List<FunctionSpec.Parameter> parameters = function.spec().parameters();
    for (int i = 0; i < parameters.size(); i++) {
      int missing = i;
      for (String route : List.of("", "wl.")) {
        for (boolean codegen : List.of(true, false)) {
          String arguments =
              IntStream.range(0, parameters.size())
                  .mapToObj(
                      p ->
                          "cast("
                              + (p == missing ? "null" : sample(parameters.get(p)))
                              + " as "
                              + parameters.get(p).type().sql()
                              + ")")
                  .collect(Collectors.joining(", "));
          Object value =
              withCodegen(
                  codegen,
                  () ->
                      spark()
                          .sql(
                              "SELECT %s%s(%s) FROM range(1)"
                                  .formatted(route, function.name(), arguments))
                          .head()
                          .get(0));
          assertThat(value).as("%s(%s)", function.name(), arguments).isNull();
        }
      }
    }
  }

  private static String sample(FunctionSpec.Parameter parameter) {
    return switch (parameter.type().simpleString()) {
      case "binary" ->
          switch (parameter.name()) {
            case "sketch" -> "wl_stats(X'803F', 'BF16')";
            case "histogram" -> "wl_histogram(X'803F', 'BF16')";
            default -> "X'803F'";
          };
      case "string" -> "'BF16'";
      case "array<double>" -> "array(0.5)";
      case "array<binary>" -> "array(X'803F')";
      default -> parameter.name().equals("row") || parameter.name().equals("column") ? "0" : "1";
    };
  }

  static <T> T withCodegen(boolean on, java.util.function.Supplier<T> query) {
    SparkSession spark = spark();
    spark.conf().set("spark.sql.codegen.wholeStage", Boolean.toString(on));
    spark.conf().set("spark.sql.codegen.factoryMode", on ? "CODEGEN_ONLY" : "NO_CODEGEN");
    try {
      return query.get();
    } finally {
      spark.conf().unset("spark.sql.codegen.wholeStage");
      spark.conf().unset("spark.sql.codegen.factoryMode");
    }
  }

  /** By plain loops over values decoded without the product. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void agreesWithPlainLoops(boolean codegen) {
    List<Row> rows = Sql.blocks(8, 3000);
    Sql.blocks(spark(), rows, 2);
    List<Row> found =
        withCodegen(
            codegen,
            () ->
                spark()
                    .sql(
                        """
                        SELECT id, wl_count(data, dtype), wl_sum(data, dtype), wl_mean(data, dtype),
                          wl_variance(data, dtype), wl_min(data, dtype), wl_max(data, dtype),
                          wl_l1(data, dtype), wl_l2(data, dtype), wl_linf(data, dtype),
                          wl_zeros(data, dtype), wl_sparsity(data, dtype),
                          wl_quantile(data, dtype, 0.75), wl_at(data, dtype, 100, 7, 13),
                          wl_dot(data, dtype, other, dtype), wl_cosine(data, dtype, other, dtype),
                          wl_distance(data, dtype, other, dtype),
                          wl_sign_agreement(data, dtype, other, dtype),
                          wl_decode64(data, dtype),
                          wl_decode64(wl_slice(data, dtype, 100, 10), dtype)
                        FROM blocks ORDER BY id""")
                    .collectAsList());
    assertThat(found).hasSize(8);
    for (Row row : found) {
      Row block = rows.get(row.getInt(0));
      double[] x = Sql.values(block.getString(2), block.<byte[]>getAs(3));
      double[] y = Sql.values(block.getString(2), block.<byte[]>getAs(4));
      double sum = Arrays.stream(x).sum();
      double l1 = Arrays.stream(x).map(Math::abs).sum();
      double xx = Arrays.stream(x).map(v -> v * v).sum();
      double yy = Arrays.stream(y).map(v -> v * v).sum();
      double xy = IntStream.range(0, x.length).mapToDouble(i -> x[i] * y[i]).sum();
      double dd =
          IntStream.range(0, x.length).mapToDouble(i -> (x[i] - y[i]) * (x[i] - y[i])).sum();
      long zeros = Arrays.stream(x).filter(v -> v == 0).count();
      long both = IntStream.range(0, x.length).filter(i -> x[i] * y[i] != 0).count();
      long agree = IntStream.range(0, x.length).filter(i -> x[i] * y[i] > 0).count();
      assertThat(row.getLong(1)).isEqualTo(3000);
      assertThat(row.getDouble(2)).isCloseTo(sum, within(1e-12));
      assertThat(row.getDouble(3)).isCloseTo(sum / 3000, within(1e-15));
      assertThat(row.getDouble(4))
          .isCloseTo(xx / 3000 - (sum / 3000) * (sum / 3000), within(1e-15));
      assertThat(row.getDouble(5)).isEqualTo(Arrays.stream(x).min().getAsDouble());
      assertThat(row.getDouble(6)).isEqualTo(Arrays.stream(x).max().getAsDouble());
      assertThat(row.getDouble(7)).isCloseTo(l1, within(1e-12));
      assertThat(row.getDouble(8)).isCloseTo(Math.sqrt(xx), within(1e-13));
      assertThat(row.getDouble(9)).isEqualTo(Arrays.stream(x).map(Math::abs).max().getAsDouble());
      assertThat(row.getLong(10)).isEqualTo(zeros);
      assertThat(row.getDouble(11)).isEqualTo(zeros / 3000.0);
      assertThat(row.getDouble(12))
          .isEqualTo(Arrays.stream(x).map(Math::abs).sorted().toArray()[2249]);
      assertThat(row.getDouble(13)).isEqualTo(x[713]);
      assertThat(row.getDouble(14)).isCloseTo(xy, within(1e-13));
      assertThat(row.getDouble(15)).isCloseTo(xy / Math.sqrt(xx * yy), within(1e-12));
      assertThat(row.getDouble(16)).isCloseTo(Math.sqrt(dd), within(1e-6));
      assertThat(row.getDouble(17)).isEqualTo((double) agree / both);
      assertThat(row.<Double>getList(18)).containsExactly(boxed(x));
      assertThat(row.<Double>getList(19)).containsExactly(boxed(Arrays.copyOfRange(x, 100, 110)));
    }
  }

  private static Double[] boxed(double[] values) {
    return Arrays.stream(values).boxed().toArray(Double[]::new);
  }

  @Test
  void countsWhatIsNoNumber() {
    // 1, NaN, inf, -inf, the least denormal, -0
    String block = "X'803FC07F807F80FF01000080', 'BF16'";
    assertThat(Sql.value("wl_nans(" + block + ")")).isEqualTo(1L);
    assertThat(Sql.value("wl_infs(" + block + ")")).isEqualTo(2L);
    assertThat(Sql.value("wl_denormals(" + block + ")")).isEqualTo(1L);
    assertThat(Sql.value("wl_zeros(" + block + ")")).isEqualTo(1L);
    assertThat(Sql.value("wl_max(" + block + ")")).isEqualTo(1.0);
    assertThat(Sql.value("wl_stats_info(wl_stats(" + block + ")).nans")).isEqualTo(1L);
    assertThat(Sql.value("wl_dot(" + block + ", " + block + ")")).isEqualTo(Double.NaN);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "wl_sum",
        "wl_mean",
        "wl_variance",
        "wl_min",
        "wl_max",
        "wl_l1",
        "wl_l2",
        "wl_linf"
      })
  void ofNothingFiniteThereIsNoStatistic(String name) {
    assertThat(Sql.value(name + "(X'', 'F32')")).isNull();
    assertThat(Sql.value(name + "(X'C07F', 'BF16')")).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "wl_sparsity(X'', 'F32')",
        "wl_quantile(X'', 'F32', 0.5)",
        "wl_nm(X'', 'F32', 2, 4)",
        "wl_stats_info(wl_stats(X'', 'F32')).mean",
        "wl_cosine(X'0000', 'BF16', X'803F', 'BF16')",
        "wl_quantiles(wl_histogram(X'', 'F32'), array(0.5))[0]"
      })
  void whatIsNotDefinedIsNull(String expression) {
    assertThat(Sql.value(expression)).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "wl_l2(X'803F00', 'BF16') | Cannot compute on a block of BF16: its 3 bytes are not whole",
        "wl_l2(X'803F', 'bf16') | Cannot tell what values of dtype 'bf16' are: there is no such",
        "wl_l2(X'803F', 'I16') | Cannot compute on a block of I16: only BF16, F16, F32 and F64",
        "wl_decode(X'0000000000000000', 'F64') | Cannot decode F64 into an array of floats",
        "wl_slice(X'803F', 'BF16', 1, 1) | Cannot slice 1 values from 1 on: the block has 1",
        "wl_slice(X'803F', 'F4', 0, 1) | Cannot slice a block of F4: its values share bytes",
        "wl_at(X'803F', 'BF16', 1, 1, 0) | Cannot look at row 1, column 0: the block of 1 values",
        "wl_at(X'803F', 'BF16', 0, 0, 0) | Cannot look at row 0, column 0: the block of 1 values",
        "wl_count(X'803F80', 'BF16') | Cannot count the values of a block of BF16: its 3 bytes",
        "wl_nm(X'803F', 'BF16', 5, 4) | Cannot look for a 5:4 pattern",
        "wl_quantile(X'803F', 'BF16', 1.5) | Cannot find the quantile 1.5",
        "wl_trim(X'803F', 'BF16', 0) | Cannot trim to a density of 0.0",
        "wl_cast(X'803F', 'BF16', 'I8') | Cannot round into I8",
        "wl_dot(X'803F', 'BF16', X'', 'BF16') | Cannot compare blocks of 1 and 0 elements",
        "wl_gram(array(), 'BF16') | Cannot compute the Gram matrix of 0 blocks",
        "wl_stats_info(X'00') | Cannot read block statistics from 1 bytes: they are no sketch",
        "wl_bins(wl_stats(X'', 'F32')) | Cannot read a magnitude histogram from",
      })
  void whatCannotBeDoneFailsTheQueryWithItsReason(String expression, String message) {
    for (boolean codegen : List.of(true, false)) {
      assertThatThrownBy(() -> withCodegen(codegen, () -> Sql.value(expression)))
          .satisfies(
              e ->
                  assertThat(WeightloomException.in(e))
                      .hasValueSatisfying(
                          cause -> assertThat(cause).hasMessageStartingWith(message)));
    }
  }

  @Test
  void aTypeErrorIsSparksOwn() {
    assertThatThrownBy(() -> spark().sql("SELECT wl_l2(1, 'BF16')"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE]")
        .hasMessageContaining("\"wl_l2(1, BF16)\"")
        .hasMessageContaining("The first parameter requires the \"BINARY\" type");
    assertThatThrownBy(() -> spark().sql("SELECT wl_stats_merge(array(1))"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE]")
        .hasMessageContaining("wl_stats_merge");
    assertThatThrownBy(() -> spark().sql("SELECT wl.wl_l2(1, 'BF16')"))
        .isInstanceOf(AnalysisException.class)
        .hasMessageContaining("[DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE]");
  }

  @ParameterizedTest
  @MethodSource("all")
  void aWrongNumberOfArgumentsIsSparksOwnError(WeightFunction function) {
    int expected = function.spec().parameters().size();
    String tooMany = String.join(", ", java.util.Collections.nCopies(expected + 1, "null"));
    for (String arguments : List.of("", tooMany)) {
      assertThatThrownBy(() -> spark().sql("SELECT %s(%s)".formatted(function.name(), arguments)))
          .isInstanceOf(AnalysisException.class)
          .hasMessageContaining("[WRONG_NUM_ARGS.WITHOUT_SUGGESTION]")
          .hasMessageContaining("`%s` requires %d parameters".formatted(function.name(), expected));
      assertThatThrownBy(
              () -> spark().sql("SELECT wl.%s(%s)".formatted(function.name(), arguments)))
          .isInstanceOf(AnalysisException.class);
    }
  }

  @Test
  void argumentsAreCastAsSparkCastsThem() {
    assertThat(Sql.value("wl_at(X'803F', 'BF16', 1S, 0, 0L)")).isEqualTo(1.0);
    assertThat(Sql.value("wl_quantile(X'803F', 'BF16', 1)")).isEqualTo(1.0);
    assertThat(Sql.value("wl_trim_below(X'803F', 'BF16', 0.5BD)"))
        .isEqualTo(new byte[] {(byte) 0x80, 0x3f});
  }

  @Test
  void columnsAndPlansBearTheFunctionsNames() {
    Sql.blocks(spark(), Sql.blocks(2, 10), 1);
    Dataset<Row> query =
        spark().sql("SELECT wl_l2(data, dtype), wl_dot(data, 'F32', data, 'F32') FROM blocks");
    assertThat(query.columns())
        .containsExactly("wl_l2(data, dtype)", "wl_dot(data, F32, data, F32)");
    assertThat(query.queryExecution().executedPlan().toString()).contains("wl_l2(data#");
    Dataset<Row> aggregate =
        spark().sql("SELECT wl_stats_merge(wl_stats(data, dtype)) FROM blocks");
    assertThat(aggregate.columns()).containsExactly("wl_stats_merge(wl_stats(data, dtype))");
  }

  @Test
  void generatedCodeCallsTheStaticMethod() {
    Sql.blocks(spark(), Sql.blocks(2, 10), 1);
    for (String route : List.of("", "wl.")) {
      Dataset<Row> query =
          spark().sql("SELECT sum(%swl_l2(data, dtype)) FROM blocks WHERE id < 5".formatted(route));
      String code = generated(query);
      assertThat(code)
          .contains("io.weightloom.udf.Statistics$L2.invoke(")
          .doesNotContain("produceResult");
      assertThat(query.queryExecution().analyzed().toString())
          .doesNotContainIgnoringCase("applyfunction");
    }
  }

  private static String generated(Dataset<Row> query) {
    spark().conf().set("spark.sql.adaptive.enabled", "false");
    try {
      return org.apache.spark.sql.execution.debug.package$.MODULE$.codegenString(
          query.queryExecution().executedPlan());
    } finally {
      spark().conf().unset("spark.sql.adaptive.enabled");
    }
  }

  @Test
  void theDataFrameApiCallsThemToo() {
    Dataset<Row> blocks = Sql.blocks(spark(), Sql.blocks(4, 100), 1);
    Column l2 = functions.call_function("wl_l2", functions.col("data"), functions.col("dtype"));
    Dataset<Row> both =
        blocks.select(
            l2.as("a"),
            functions.expr("wl_l2(data, dtype)").as("b"),
            functions
                .call_function("wl.wl_l2", functions.col("data"), functions.col("dtype"))
                .as("c"));
    assertThat(both.filter("a = b AND a = c").count()).isEqualTo(4);
  }

  @Test
  void theCatalogListsTheSameFunctions() throws Exception {
    WeightloomFunctions catalog = new WeightloomFunctions();
    assertThat(catalog.listFunctions(new String[0]))
        .extracting(id -> id.name())
        .containsExactlyElementsOf(Functions.all().stream().map(WeightFunction::name).toList());
    assertThat(spark().sql("SHOW USER FUNCTIONS IN wl").collectAsList())
        .extracting(row -> row.getString(0))
        .anyMatch(name -> name.endsWith("wl_l2"));
    assertThatThrownBy(() -> spark().sql("SELECT wl.wl_l3(X'', 'F32')"))
        .isInstanceOf(AnalysisException.class);
  }

  @Test
  void bothWaysOfRegisteringGiveTheSame() {
    Sql.blocks(spark(), Sql.blocks(8, 500), 2);
    assertThat(
            spark()
                .sql(
                    """
                    SELECT * FROM blocks WHERE NOT (
                      wl.wl_stats(data, dtype) = wl_stats(data, dtype)
                      AND wl.wl_subtract(data, dtype, other, dtype, 'BF16')
                        = wl_subtract(data, dtype, other, dtype, 'BF16')
                      AND wl.wl_at(data, dtype, 10, 3, 2) = wl_at(data, dtype, 10, 3, 2)
                      AND wl.wl_cast_error(data, dtype, 'BF16') = wl_cast_error(data, dtype, 'BF16')
                      AND wl.wl_decode64(data, dtype) = wl_decode64(data, dtype))""")
                .count())
        .isZero();
  }

  @Test
  void digestsAsBlockTablesDo() {
    byte[] bytes = new byte[100_000];
    new java.util.Random(1).nextBytes(bytes);
    Row row =
        spark()
            .createDataFrame(
                List.of(org.apache.spark.sql.RowFactory.create(0, "t", "U8", bytes, bytes)),
                Sql.BLOCKS)
            .selectExpr("wl_digest(data)")
            .head();
    assertThat(row.getString(0))
        .isEqualTo("%016x".formatted(io.weightloom.io.ContentDigest.chunk(bytes, 0, bytes.length)));
  }
}
