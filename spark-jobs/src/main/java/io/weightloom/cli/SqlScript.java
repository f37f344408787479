package io.weightloom.cli;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a script into statements at semicolons that stand in no string, identifier or comment, as
 * Spark's grammar has them.
 */
final class SqlScript {
  private final String text;
  private int at;

  private SqlScript(String text) {
    this.text = text;
  }

  /** The statements, without their semicolons; what holds only space and comments is left out. */
  static List<String> statements(String text) {
    return new SqlScript(text).cut();
  }

  private List<String> cut() {
    List<String> statements = new ArrayList<>();
    int begin = 0;
    boolean speaks = false;
    while (at < text.length()) {
      int from = at;
      char c = text.charAt(at);
      if (text.startsWith("--", at)) {
        skipTo("\n", at);
      } else if (text.startsWith("/*", at)) {
        skipComment();
      } else if (c == ';') {
        if (speaks) {
          statements.add(text.substring(begin, from).strip());
        }
        at++;
        begin = at;
        speaks = false;
      } else {
        speaks |= !Character.isWhitespace(c);
        skipQuoted(c);
      }
    }
    if (speaks) {
      statements.add(text.substring(begin).strip());
    }
    return statements;
  }

  private void skipTo(String end, int from) {
    int found = text.indexOf(end, from);
    at = found < 0 ? text.length() : found + end.length();
  }

  /** Bracketed comments nest. */
  private void skipComment() {
    int depth = 0;
    do {
      if (text.startsWith("/*", at)) {
        depth++;
        at += 2;
      } else if (text.startsWith("*/", at)) {
        depth--;
        at += 2;
      } else {
        at++;
      }
    } while (depth > 0 && at < text.length());
  }

  private void skipQuoted(char quote) {
    at++;
    if (quote != '\'' && quote != '"' && quote != '`') {
      return;
    }
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '\\' && quote != '`') {
        at++;
      } else if (c == quote) {
        return; // A doubled quote begins another string at once.
      }
    }
    at = Math.min(at, text.length());
  }
}
