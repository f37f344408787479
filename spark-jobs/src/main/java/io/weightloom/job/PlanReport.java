package io.weightloom.job;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.kernel.Usability;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.plan.PlannedTensor.Tied;
import java.util.List;
import java.util.Map;

/** A plan as text and as JSON, for {@code --dry-run}. */
public final class PlanReport {
  private static final int SHOWN = 20;
  private static final long HISTOGRAM_BYTES = 256L << 10;

  private PlanReport() {}

  /** Bytes of buffers that one task holds at most. */
  static long bufferBytes(MergePlan plan, int blockElements) {
    long most = 0;
    for (PlannedTensor t : plan.tensors()) {
      if (t instanceof Merged m && m.output().elements() > 0) {
        long widths = m.inputBytes() / m.output().elements() + m.output().dtype().bytes();
        most = Math.max(most, widths * blockElements + m.models().size() * HISTOGRAM_BYTES);
      }
    }
    return most;
  }

  /** The plan as JSON. */
  public static ObjectNode json(PreparedMerge merge, int threads, int blockElements) {
    MergePlan plan = merge.plan();
    ObjectNode out = Json.object();
    out.put("method", plan.method());
    out.put("variant", plan.variant());
    out.put("numerics", plan.numerics().label());
    out.put("seed", plan.seed());
    ArrayNode models = out.putArray("models");
    for (int i = 0; i < plan.models().size(); i++) {
      ObjectNode model = models.addObject();
      model.put("model", plan.models().get(i).reference());
      model.put("location", merge.models().get(i).path());
      model.put("parameters", merge.models().get(i).parameters());
      merge.models().get(i).mainDType().ifPresent(d -> model.put("dtype", d.name()));
    }
    out.put("tensors", plan.tensors().size());
    out.put("copied_tensors", copied(plan).size());
    out.put("parameters", plan.parameters());
    out.put("reads", plan.reads());
    out.put("input_bytes", plan.inputBytes());
    out.put("output_bytes", plan.outputBytes());
    out.put("threads", threads);
    out.put("peak_buffer_bytes", threads * bufferBytes(plan, blockElements));
    long matrixBytes = merge.matrixBytes();
    if (matrixBytes > 0) {
      out.put("matrices", merge.matrices().size());
      out.put("largest_matrix_bytes", matrixBytes);
      out.put("linalg", LinAlgRegistry.get().name());
    }
    out.put("kernels", KernelRegistry.get().kernels().name());
    ObjectNode why = out.putObject("kernel_providers");
    KernelRegistry.get().answers().forEach((name, a) -> why.put(name, a.reason()));
    ArrayNode files = out.putArray("files");
    for (int i = 0; i < plan.shards().size(); i++) {
      ObjectNode file = files.addObject();
      file.put("name", plan.shards().get(i).file());
      file.put("bytes", merge.layouts().get(i).fileSize());
      ObjectNode begins = file.putObject("tensors");
      merge.layouts().get(i).tensors().forEach(t -> begins.put(t.spec().name(), t.begin()));
    }
    if (!plan.treated().isEmpty()) {
      out.set("policies", Json.tree(plan.treated()));
    }
    ObjectNode tied = Json.object();
    plan.tensors().stream()
        .filter(t -> t instanceof Tied)
        .forEach(t -> tied.put(t.output().name(), tiedTo(plan, (Tied) t)));
    if (!tied.isEmpty()) {
      out.set("tied", tied);
    }
    out.set("warnings", Json.tree(plan.warnings()));
    return out;
  }

  /** The plan for a person. */
  public static String text(PreparedMerge merge, int threads, int blockElements) {
    MergePlan plan = merge.plan();
    StringBuilder out = new StringBuilder();
    String variant = plan.variant().isEmpty() ? "" : " (" + plan.variant() + ")";
    line(out, "method", plan.method() + variant);
    line(out, "numerics", plan.numerics().label() + ", seed " + plan.seed());
    for (int i = 0; i < plan.models().size(); i++) {
      String dtype = merge.models().get(i).mainDType().map(d -> ", " + d).orElse("");
      line(
          out,
          i == 0 ? "models" : "",
          plan.models().get(i).reference()
              + "  "
              + Units.count(merge.models().get(i).parameters())
              + dtype);
    }
    List<Copied> copied = copied(plan);
    line(
        out,
        "tensors",
        plan.tensors().size() + (copied.isEmpty() ? "" : ", " + copied.size() + " copied"));
    line(out, "parameters", Units.count(plan.parameters()));
    line(out, "reads", plan.reads() + " at most, of " + Units.bytes(plan.inputBytes()) + " each");
    line(out, "writes", Units.bytes(plan.outputBytes()) + " in " + files(plan.shards().size()));
    line(
        out,
        "memory",
        Units.bytes(threads * bufferBytes(plan, blockElements))
            + " of buffers in "
            + threads
            + " threads, blocks of "
            + blockElements
            + " elements");
    long matrixBytes = merge.matrixBytes();
    if (matrixBytes > 0) {
      line(
          out,
          "matrices",
          "%d, the largest takes %s of heap; tasks wait for each other where it does not hold more"
              .formatted(merge.matrices().size(), Units.bytes(matrixBytes)));
      line(out, "linalg", linAlg());
    }
    line(out, "kernels", kernels());
    copied.stream()
        .limit(5)
        .forEach(c -> line(out, "copied", c.output().name() + ": " + c.reason()));
    plan.treated().entrySet().stream()
        .limit(SHOWN)
        .forEach(t -> line(out, "policy", t.getKey() + ": " + t.getValue()));
    if (plan.treated().size() > SHOWN) {
      line(out, "", "and %d more (--output json has all)".formatted(plan.treated().size() - SHOWN));
    }
    plan.tensors().stream()
        .filter(t -> t instanceof Tied)
        .forEach(t -> line(out, "tied", t.output().name() + " to " + tiedTo(plan, (Tied) t)));
    plan.warnings().forEach(w -> line(out, "warning", w));
    return out.toString();
  }

  private static String tiedTo(MergePlan plan, Tied tied) {
    return plan.tensors().get(tied.to()).output().name();
  }

  private static String files(int count) {
    return count + (count == 1 ? " file" : " files");
  }

  /** The chosen kernels and why not the others. */
  public static String kernels() {
    KernelRegistry registry = KernelRegistry.get();
    return chosen(registry.kernels().name(), registry.answers());
  }

  /** The chosen linear algebra and why not the others. */
  public static String linAlg() {
    return chosen(LinAlgRegistry.get().name(), LinAlgRegistry.answers());
  }

  private static String chosen(String name, Map<String, Usability> answers) {
    StringBuilder out = new StringBuilder(name);
    for (Map.Entry<String, Usability> a : answers.entrySet()) {
      if (a.getKey().equals(name)) {
        out.append(" (").append(a.getValue().reason()).append(')');
      } else if (!a.getValue().usable()) {
        out.append("; not ").append(a.getKey()).append(": ").append(a.getValue().reason());
      }
    }
    return out.toString();
  }

  private static List<Copied> copied(MergePlan plan) {
    return plan.tensors().stream().filter(t -> t instanceof Copied).map(t -> (Copied) t).toList();
  }

  private static void line(StringBuilder out, String key, String value) {
    out.append("%-11s %s%n".formatted(key, value));
  }
}
