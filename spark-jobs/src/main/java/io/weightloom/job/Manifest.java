package io.weightloom.job;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.ModelDir;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.job.MergeResult.TensorResult;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.merge.Params;
import io.weightloom.plan.MergePlan;
import io.weightloom.plan.MergePlan.SideTableInfo;
import io.weightloom.plan.PlannedTensor.Copied;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.plan.PlannedTensor.Tied;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The record of a merge: what went in, what was decided for each tensor, what came out. Holds no
 * times, so that two runs of one recipe write the same manifest.
 */
public final class Manifest {

  /** Its name in the output. */
  public static final String FILE = "weightloom_manifest.json";

  /** Version of this layout. */
  static final int SCHEMA = 1;

  private Manifest() {}

  /** The version of Weightloom that is running. */
  public static String version() {
    return Objects.requireNonNullElse(
        Manifest.class.getPackage().getImplementationVersion(), "0.1.0-SNAPSHOT");
  }

  static ObjectNode of(PreparedMerge merge, MergeRequest request, MergeResult result) {
    MergePlan plan = merge.plan();
    ObjectNode manifest = Json.object();
    manifest.put("schema", SCHEMA);
    manifest.put("weightloom", version());
    manifest.put("java", Runtime.version().toString());
    manifest.put("kernels", KernelRegistry.get().kernels().name());
    if (!merge.matrices().isEmpty()) {
      manifest.put("linalg", LinAlgRegistry.get().name());
    }
    manifest.put("method", plan.method());
    if (!plan.variant().isEmpty()) {
      manifest.put("variant", plan.variant());
    }
    manifest.put("numerics", plan.numerics().label());
    manifest.put("seed", plan.seed());
    manifest.put("recipe_digest", digestOf(request.recipe().text()));
    manifest.set("warnings", Json.tree(plan.warnings()));
    ArrayNode inputs = manifest.putArray("inputs");
    for (int i = 0; i < plan.models().size(); i++) {
      ModelDir dir = merge.models().get(i);
      inputs.add(input(plan.models().get(i).reference(), dir, result.inputDigests().get(i)));
    }
    if (!plan.sideTables().isEmpty()) {
      ArrayNode sides = manifest.putArray("side_tables");
      for (int i = 0; i < plan.sideTables().size(); i++) {
        SideTableInfo table = plan.sideTables().get(i);
        ModelDir dir = merge.sideTables().get(i);
        sides.add(
            Json.object()
                .put("table", table.table())
                .setAll(input(table.model(), dir, result.sideDigests().get(i))));
      }
    }
    if (!plan.treated().isEmpty()) {
      manifest.set("policies", Json.tree(plan.treated()));
    }
    manifest.set("realised_density", Json.tree(result.realisedDensity()));
    ObjectNode tensors = manifest.putObject("tensors");
    result.tensors().forEach(t -> tensors.set(t.planned().output().name(), tensor(plan, t)));
    ArrayNode files = manifest.putArray("files");
    for (int i = 0; i < plan.shards().size(); i++) {
      ObjectNode file = files.addObject();
      file.put("name", plan.shards().get(i).file());
      file.put("bytes", merge.layouts().get(i).fileSize());
    }
    manifest.put("content", content(result));
    return manifest;
  }

  private static ObjectNode input(String model, ModelDir dir, Map<String, String> digests) {
    ObjectNode input = Json.object();
    input.put("model", model);
    input.put("location", dir.path());
    Map<String, String> headers = new LinkedHashMap<>();
    for (SafetensorsHeader shard : dir.shards()) {
      headers.put(shard.path().substring(shard.path().lastIndexOf('/') + 1), shard.sha256());
    }
    input.set("header_sha256", Json.tree(headers));
    input.put("tensors_read", digests.size());
    input.put("content", contentOf(digests));
    return input;
  }

  private static ObjectNode tensor(MergePlan plan, TensorResult result) {
    ObjectNode tensor = Json.object();
    tensor.put("dtype", result.planned().output().dtype().name());
    tensor.set("shape", Json.tree(result.planned().output().shape().dims()));
    tensor.put("digest", result.digest());
    if (result.planned() instanceof Copied copied) {
      tensor.put("skipped", copied.reason());
    } else if (result.planned() instanceof Tied tied) {
      tensor.put("tied_to", plan.tensors().get(tied.to()).output().name());
    } else if (result.planned() instanceof Merged merged) {
      Params params = merged.merge().params();
      tensor.set("parameters", Json.tree(parameters(params)));
      result.decisions().forEach((key, value) -> tensor.set(key, Json.tree(value)));
      result.counts().forEach((name, counts) -> tensor.set(name, Json.tree(counts)));
      if (!result.kept().isEmpty()) {
        tensor.set("realised_density", Json.tree(result.realisedDensity()));
      }
    }
    return tensor;
  }

  private static Map<String, Object> parameters(Params params) {
    Map<String, Object> all = new java.util.TreeMap<>();
    all.putAll(params.global());
    all.putAll(params.perModel());
    return all;
  }

  /** One digest of the output. */
  static String content(MergeResult result) {
    Map<String, String> digests = new java.util.TreeMap<>();
    result.tensors().forEach(t -> digests.put(t.planned().output().name(), t.digest()));
    return contentOf(digests);
  }

  /** One digest of a model: of its tensors' names and digests, sorted by name. */
  static String contentOf(Map<String, String> digests) {
    StringBuilder lines = new StringBuilder();
    new java.util.TreeMap<>(digests)
        .forEach((name, digest) -> lines.append(name).append(' ').append(digest).append('\n'));
    return digestOf(lines.toString());
  }

  static String digestOf(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    ContentDigest.Accumulator digest = new ContentDigest.Accumulator(1 << 20);
    digest.update(bytes, 0, bytes.length);
    return ContentDigest.tensor(digest.grains());
  }
}
