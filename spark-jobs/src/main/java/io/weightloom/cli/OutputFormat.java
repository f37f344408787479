package io.weightloom.cli;

import picocli.CommandLine.Option;

/** How a command is told to print its results. */
final class OutputFormat {

  @Option(
      names = "--output",
      defaultValue = "text",
      description = "text, or json on standard output")
  private Output format = Output.TEXT;

  boolean isJson() {
    return format == Output.JSON;
  }
}
