package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code weightloom notebook}: told of here, done by {@code bin/weightloom-notebook}. */
@Command(
    name = "notebook",
    description = "Set up Python and Jupyter once, and open the notebooks.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom notebook",
      "  weightloom notebook --dir . --models /zoo --no-browser --port 8890",
      "",
      "Needs python3 3.10 or later with venv. Spark, Jupyter and what the notebooks draw with go",
      "into ~/.cache/weightloom. In a notebook, SparkSession.builder.getOrCreate() has the jar, the",
      "wl_ functions and the catalog models."
    })
@SuppressWarnings("UnusedVariable") // Options that the launcher reads.
final class NotebookCommand implements Callable<Integer> {

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "where the notebooks are (default: those that come with Weightloom)")
  private @Nullable String dir;

  @Option(
      names = "--models",
      paramLabel = "PATH",
      description = "what the catalog models shows (default: WEIGHTLOOM_MODELS, else the demo's)")
  private @Nullable String models;

  @Option(names = "--port", paramLabel = "PORT", description = "Jupyter's port (default: 8888)")
  private @Nullable Integer port;

  @Option(names = "--no-browser", description = "print the address, open no browser")
  private boolean noBrowser;

  @Option(
      names = "--setup-only",
      description = "set up, and print what to set to use it from elsewhere")
  private boolean setupOnly;

  @Override
  public Integer call() {
    throw WeightloomException.usage(
        "Cannot open notebooks from within Java: it is the launcher's part (run bin/weightloom notebook)");
  }
}
