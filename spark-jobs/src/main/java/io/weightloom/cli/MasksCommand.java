package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.job.Json;
import io.weightloom.job.MaskAlgebra;
import io.weightloom.job.MaskAlgebra.Agreement;
import io.weightloom.job.MaskDir;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code weightloom masks}. */
@Command(
    name = "masks",
    description = "Compare masks that prune --masks wrote, or combine them into another.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom masks a b                              how far they agree, tensor by tensor",
      "  weightloom masks a b c --combine union --to d     kept by any",
      "  weightloom masks new old --combine exclusive --to d   kept by the first alone",
    })
final class MasksCommand implements Callable<Integer> {

  @Parameters(paramLabel = "MASKS", arity = "2..*", description = "directories of masks")
  private List<String> masks = List.of();

  @Option(
      names = "--combine",
      description = "union, intersection, exclusive (the first without the others) or difference")
  private MaskAlgebra.@Nullable Operation operation;

  @Option(names = "--to", paramLabel = "DIR", description = "where the combined mask goes")
  private @Nullable Path target;

  @Option(names = "--overwrite", description = "replace DIR if it exists")
  private boolean overwrite;

  @Mixin private OutputFormat format = new OutputFormat();

  @Override
  public Integer call() {
    MaskAlgebra.Operation wanted = operation;
    Path to = target;
    if ((wanted == null) != (to == null)) {
      throw WeightloomException.usage(
          "Cannot combine masks: --combine and --to belong together (give both, or neither)");
    }
    List<MaskDir> opened = masks.stream().map(MaskDir::open).toList();
    if (wanted != null && to != null) {
      MaskAlgebra.combine(wanted, opened, to, overwrite);
      return 0;
    }
    if (opened.size() > 2) {
      throw WeightloomException.usage(
          "Cannot compare %d masks: they are compared by twos (give two, or --combine)"
              .formatted(opened.size()));
    }
    print(MaskAlgebra.compare(opened.get(0), opened.get(1)));
    return 0;
  }

  private void print(List<Agreement> rows) {
    if (format.isJson()) {
      ObjectNode out = Json.object();
      ArrayNode tensors = out.putArray("tensors");
      for (Agreement row : rows) {
        tensors
            .addObject()
            .put("tensor", row.tensor())
            .put("elements", row.elements())
            .put("kept_a", row.keptA())
            .put("kept_b", row.keptB())
            .put("kept_both", row.both())
            .put("overlap", row.overlap())
            .put("jaccard", row.jaccard())
            .put("agreement", row.agreement());
      }
      System.out.print(Json.prettyText(out));
      return;
    }
    System.out.printf(
        "%-48s %12s %9s %9s %9s %9s %9s%n",
        "tensor", "elements", "kept a", "kept b", "overlap", "jaccard", "agree");
    for (Agreement row : rows) {
      System.out.printf(
          "%-48s %12d %8.2f%% %8.2f%% %9.4f %9.4f %9.4f%n",
          row.tensor(),
          row.elements(),
          100.0 * row.keptA() / row.elements(),
          100.0 * row.keptB() / row.elements(),
          row.overlap(),
          row.jaccard(),
          row.agreement());
    }
  }
}
