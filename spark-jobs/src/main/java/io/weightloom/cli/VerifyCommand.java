package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelReference;
import io.weightloom.job.Json;
import io.weightloom.job.Units;
import io.weightloom.job.VerifyJob;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code weightloom verify}. */
@Command(
    name = "verify",
    description =
        "Check a model: structure by the strict rules, every value finite, and for a model that we"
            + " wrote, every tensor's digest against its manifest; for a block table, every block's"
            + " against its own.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {"  weightloom verify merged", "  weightloom verify merged --output json"})
final class VerifyCommand implements Callable<Integer> {

  @Parameters(
      paramLabel = "MODEL",
      description = "a directory, a safetensors file, or a name in the Hugging Face cache")
  private String model = "";

  @Mixin private OutputFormat format = new OutputFormat();

  @Override
  public Integer call() {
    VerifyJob.Verdict verdict = VerifyJob.run(ModelReference.resolve(model, System.getenv()));
    if (format.isJson()) {
      ObjectNode out = Json.object();
      out.put("model", model);
      out.put("ok", verdict.problems().isEmpty());
      out.put("tensors", verdict.tensors());
      out.put("bytes", verdict.bytes());
      out.put("manifest", verdict.hasManifest());
      out.put("table", verdict.isTable());
      out.put("content", verdict.content());
      out.set("problems", Json.tree(verdict.problems()));
      out.set("warnings", Json.tree(verdict.warnings()));
      System.out.print(Json.prettyText(out));
    }
    verdict.warnings().forEach(w -> System.err.println("warning: " + w));
    if (!verdict.problems().isEmpty()) {
      throw WeightloomException.gate(
          "Cannot vouch for %s: %s".formatted(model, String.join("\n  - ", verdict.problems())));
    }
    System.err.printf(
        "%s: %d tensors, %s, %s%n",
        model,
        verdict.tensors(),
        Units.bytes(verdict.bytes()),
        verdict.hasManifest()
            ? "every digest as the manifest says"
            : "well-formed and finite; "
                + (verdict.isTable()
                    ? "every block's digest as the table says"
                    : "no manifest to compare with"));
    return 0;
  }
}
