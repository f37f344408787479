package io.weightloom.cli;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.Manifest;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** {@code weightloom}: the commands and their exit codes. */
@Command(
    name = "weightloom",
    description =
        "Merge, prune, inspect, compare, tabulate and query the weights of models, on one machine or on a Spark cluster.",
    subcommands = {
      MergeCommand.class,
      SweepCommand.class,
      BundleCommand.class,
      UnpackCommand.class,
      PruneCommand.class,
      MasksCommand.class,
      SparsityCommand.class,
      ExplodeCommand.class,
      ImplodeCommand.class,
      ExportCommand.class,
      InspectCommand.class,
      StatsCommand.class,
      CompareCommand.class,
      VerifyCommand.class,
      SpectrumCommand.class,
      SqlCommand.class,
      NotebookCommand.class,
      DoctorCommand.class,
      WarmUpCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:done",
      "1:internal error",
      "2:wrong command line or recipe",
      "3:bad input model or file",
      "4:a check said no",
      "5:the output exists, is in use or cannot be written"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom merge recipe.yml merged",
      "  weightloom merge recipe.yml merged --dry-run",
      "  weightloom sweep recipe.yml tried --set parameters.lambda=0.6,0.8 --score './accuracy {}'",
      "  weightloom prune merged sparse --sparsity 0.5",
      "  weightloom explode merged table",
      "  weightloom inspect merged",
      "  weightloom stats merged",
      "  weightloom compare --base base merged",
      "  weightloom verify merged",
      "  weightloom spectrum merged",
      "  weightloom sql -e 'SHOW TABLES IN models'"
    })
public final class Main {
  private static final int INTERNAL = 1;

  private Main() {}

  /** {@code --version}. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"weightloom " + Manifest.version()};
    }
  }

  /** Runs a command and gives its exit code. */
  public static int run(String... args) {
    CommandLine commandLine = new CommandLine(new Main());
    commandLine.setCaseInsensitiveEnumValuesAllowed(true);
    commandLine.setParameterExceptionHandler(Main::usage);
    commandLine.setExecutionExceptionHandler((e, c, r) -> failed(e));
    if (args.length == 0) {
      commandLine.usage(System.err);
      return WeightloomException.Kind.USAGE.exitCode();
    }
    return commandLine.execute(args);
  }

  private static int usage(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    System.err.println("weightloom: " + e.getMessage());
    CommandLine.UnmatchedArgumentException.printSuggestions(e, command.getErr());
    System.err.println("Try: " + command.getCommandSpec().qualifiedName() + " --help");
    return WeightloomException.Kind.USAGE.exitCode();
  }

  private static int failed(Exception e) {
    return WeightloomException.in(e)
        .map(
            known -> {
              System.err.println("weightloom: " + known.getMessage());
              return known.kind().exitCode();
            })
        .orElseGet(
            () -> {
              System.err.println("weightloom: internal error, please report it:");
              e.printStackTrace();
              return INTERNAL;
            });
  }

  /** Under {@code spark-submit} a success must return, for an exit would end the application. */
  @SuppressWarnings("SystemExitOutsideMain")
  public static void main(String[] args) {
    int code = run(args);
    System.out.flush();
    System.err.flush();
    if (code != 0 || System.getProperty("spark.submit.deployMode") == null) {
      System.exit(code);
    }
  }
}
