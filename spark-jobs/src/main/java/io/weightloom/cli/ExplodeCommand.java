package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.io.table.Compression;
import io.weightloom.job.ExplodeJob;
import io.weightloom.job.ExplodeRequest;
import io.weightloom.job.ExplodeResult;
import io.weightloom.job.Json;
import io.weightloom.job.KernelWarmUp;
import io.weightloom.job.Units;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code weightloom explode}. */
@Command(
    name = "explode",
    description = "Write models as a block table: Parquet, a row for each block of a tensor.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom explode base math code table     three partitions model=…",
      "  weightloom explode org/name table --name base --compress zstd",
      "",
      "A model appears in the table whole or not at all. Run again after a kill, explode keeps the",
      "files that were finished.",
    })
final class ExplodeCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Mixin private JobOptions job = new JobOptions();

  @Parameters(
      arity = "2..*",
      paramLabel = "MODEL... TABLE",
      hideParamSyntax = true,
      description =
          "directories, safetensors files or names in the Hugging Face cache; and the table")
  private List<String> paths = List.of();

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "what the table calls a model; once for each, in their order")
  private List<String> names = List.of();

  @Option(
      names = "--compress",
      paramLabel = "none|zstd",
      defaultValue = "none",
      description = "none: read back at the file's speed; zstd: smaller, lossless (default: none)")
  private Compression compression = Compression.NONE;

  @Option(
      names = "--block-size",
      paramLabel = "SIZE",
      defaultValue = "1m",
      converter = BlockSizeConverter.class,
      description = "bytes of a block of a 16-bit type: 1m, 256k (default: 1m)")
  private int blockElements;

  @Option(names = "--overwrite", description = "replace models that the table has")
  private boolean overwrite;

  @Override
  public Integer call() {
    if (paths.size() < 2 && spec != null) {
      throw new ParameterException(spec.commandLine(), "a model and a table are needed");
    }
    int last = paths.size() - 1;
    ExplodeRequest request =
        new ExplodeRequest(
            paths.subList(0, last),
            names,
            paths.get(last),
            blockElements,
            compression,
            overwrite,
            job.progress());
    request.require();
    JobOptions.Ended<List<ExplodeResult>> ended =
        job.run(KernelWarmUp::ofStatistics, spark -> ExplodeJob.run(spark, request));
    print(ended.result(), ended.seconds());
    return 0;
  }

  private void print(List<ExplodeResult> results, double seconds) {
    if (job.isJson()) {
      ObjectNode out = Json.object();
      out.put("table", paths.get(paths.size() - 1));
      out.put("seconds", Math.round(seconds * 1000) / 1000.0);
      ArrayNode models = out.putArray("models");
      for (ExplodeResult result : results) {
        ObjectNode model = (ObjectNode) Json.tree(result);
        model.put("ratio", ratio(result));
        models.add(model);
      }
      System.out.print(Json.prettyText(out));
      return;
    }
    for (ExplodeResult r : results) {
      System.err.printf(
          "exploded %s: %d tensors in %d blocks, %s in %d files of %s (%.3f of raw)%s: %s%n",
          r.model(),
          r.tensors(),
          r.blocks(),
          Units.bytes(r.rawBytes()),
          r.parts(),
          Units.bytes(r.tableBytes()),
          ratio(r),
          r.keptParts() > 0 ? ", " + r.keptParts() + " of them kept" : "",
          r.partition());
    }
    System.err.printf("in %.1f s%n", seconds);
  }

  private static double ratio(ExplodeResult r) {
    return r.rawBytes() == 0 ? 1 : Math.round(1000.0 * r.tableBytes() / r.rawBytes()) / 1000.0;
  }
}
