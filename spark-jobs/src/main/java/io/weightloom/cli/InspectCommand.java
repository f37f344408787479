package io.weightloom.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.job.Json;
import io.weightloom.job.Units;
import io.weightloom.tensor.DType;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code weightloom inspect}. */
@Command(
    name = "inspect",
    description = "Show the tensors of a model; reads headers only.",
    mixinStandardHelpOptions = true,
    footerHeading = "%nExamples:%n",
    footer = {
      "  weightloom inspect merged",
      "  weightloom inspect org/name --output json | jq '.tensors[].name'"
    })
final class InspectCommand implements Callable<Integer> {

  @Parameters(
      paramLabel = "MODEL",
      description = "a directory, a safetensors file, or a name in the Hugging Face cache")
  private String model = "";

  @Mixin private OutputFormat format = new OutputFormat();

  @Override
  public Integer call() {
    ModelDir dir = ModelDir.open(ModelReference.resolve(model, System.getenv()), Profile.REFERENCE);
    System.out.print(format.isJson() ? Json.prettyText(json(dir)) : text(dir));
    dir.warnings().forEach(w -> System.err.println("warning: " + w));
    return 0;
  }

  private static Map<DType, Long> byDType(ModelDir dir) {
    Map<DType, Long> elements = new EnumMap<>(DType.class);
    dir.tensors()
        .values()
        .forEach(t -> elements.merge(t.spec().dtype(), t.spec().elements(), Long::sum));
    return elements;
  }

  private static long bytes(ModelDir dir) {
    return dir.tensors().values().stream().mapToLong(t -> t.spec().byteSize()).sum();
  }

  private static ObjectNode json(ModelDir dir) {
    ObjectNode out = Json.object();
    out.put("model", dir.path());
    out.put("parameters", dir.parameters());
    out.put("bytes", bytes(dir));
    out.set("elements_by_dtype", Json.tree(byDType(dir)));
    out.set("companion_files", Json.tree(dir.companionFiles()));
    ArrayNode files = out.putArray("files");
    dir.shards()
        .forEach(s -> files.addObject().put("path", s.path()).put("header_sha256", s.sha256()));
    ArrayNode tensors = out.putArray("tensors");
    for (TensorLocation t : dir.tensors().values()) {
      ObjectNode tensor = tensors.addObject();
      tensor.put("name", t.spec().name());
      tensor.put("dtype", t.spec().dtype().name());
      tensor.set("shape", Json.tree(t.spec().shape().dims()));
      tensor.put("file", t.file().substring(t.file().lastIndexOf('/') + 1));
      tensor.put("begin", t.begin());
      tensor.put("end", t.end());
    }
    out.set("warnings", Json.tree(dir.warnings()));
    return out;
  }

  private static String text(ModelDir dir) {
    StringBuilder out = new StringBuilder();
    int name = dir.tensors().keySet().stream().mapToInt(String::length).max().orElse(4);
    String row = "%-" + name + "s  %-6s %14s  %s%n";
    out.append(row.formatted("tensor", "dtype", "elements", "shape"));
    for (TensorLocation t : dir.tensors().values()) {
      out.append(
          row.formatted(t.spec().name(), t.spec().dtype(), t.spec().elements(), t.spec().shape()));
    }
    out.append(
        "%n%s: %s parameters in %d tensors, %s in %d file%s%n"
            .formatted(
                dir.path(),
                Units.count(dir.parameters()),
                dir.tensors().size(),
                Units.bytes(bytes(dir)),
                dir.shards().size(),
                dir.shards().size() == 1 ? "" : "s"));
    byDType(dir).forEach((dtype, n) -> out.append("  %-6s %s%n".formatted(dtype, Units.count(n))));
    return out.toString();
  }
}
