package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SqlScriptTest {

  @Test
  void semicolonsSeparateStatements() {
    assertThat(SqlScript.statements("SELECT 1;\n\n  SELECT 2 ;"))
        .containsExactly("SELECT 1", "SELECT 2");
    assertThat(SqlScript.statements("SELECT 1")).containsExactly("SELECT 1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SELECT ';'",
        "SELECT \"a;b\"",
        "SELECT `a;b`",
        "SELECT 'it''s; so'",
        "SELECT 'it\\'s; so'",
        "SELECT 1 -- one; two\n+ 1",
        "SELECT 1 /* one; /* two; */ three; */ + 1",
        "SELECT `a``;b`",
        "SELECT '--' || ';'",
        "SELECT 'never closed;"
      })
  void semicolonsThatAreNoneAreLeftAlone(String statement) {
    assertThat(SqlScript.statements(statement + ";")).hasSize(1);
    if (!statement.endsWith("closed;")) {
      assertThat(SqlScript.statements(statement + "; SELECT 2"))
          .containsExactly(statement, "SELECT 2");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " \n;; ", "-- SELECT 1", "/* SELECT 1; */", "/* never closed"})
  void whatSaysNothingIsNoStatement(String text) {
    assertThat(SqlScript.statements(text)).isEmpty();
  }
}
