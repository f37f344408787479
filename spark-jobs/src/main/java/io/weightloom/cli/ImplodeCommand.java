package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.job.ImplodeJob;
import io.weightloom.job.ImplodeRequest;
import io.weightloom.job.ImplodeResult;
import io.weightloom.job.Json;
import io.weightloom.job.Units;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom implode}. */
@Command(
    name = "implode",
    description = "Write a model of a block table as the model directory that it was made of.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom implode table model              if the table has but one model",
      "  weightloom implode table model --model org/name",
      "",
      "The weights files are byte for byte those that were exploded; every digest is checked.",
    })
final class ImplodeCommand implements Callable<Integer> {
  @Mixin private JobOptions job = new JobOptions();

  @Parameters(index = "0", paramLabel = "TABLE", description = "a block table, or a partition")
  private String table = "";

  @Parameters(index = "1", paramLabel = "OUT", description = "the directory to make")
  private Path output = Path.of("");

  @Option(names = "--model", paramLabel = "NAME", description = "which model of the table")
  private @Nullable String model;

  @Option(names = "--overwrite", description = "replace OUT if it exists")
  private boolean overwrite;

  @Override
  public Integer call() {
    ImplodeRequest request = new ImplodeRequest(table, model, output, overwrite, job.progress());
    request.requireReady();
    JobOptions.Ended<ImplodeResult> ended = job.run(spark -> ImplodeJob.run(spark, request));
    print(ended.result(), ended.seconds());
    return 0;
  }

  private void print(ImplodeResult result, double seconds) {
    result.warnings().forEach(w -> System.err.println("warning: " + w));
    if (job.isJson()) {
      ObjectNode out = (ObjectNode) Json.tree(result);
      out.put("seconds", Math.round(seconds * 1000) / 1000.0);
      System.out.print(Json.prettyText(out));
      return;
    }
    System.err.printf(
        "imploded %d tensors, %s in %d file%s, every digest as the table says, in %.1f s: %s%n",
        result.tensors(),
        Units.bytes(result.bytes()),
        result.files().size(),
        result.files().size() == 1 ? "" : "s",
        seconds,
        result.output());
  }
}
