package io.weightloom.job;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.SafetensorsLayout;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.job.MergeResult.TensorResult;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Svd;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.Subspace;
import io.weightloom.plan.PlannedTensor;
import io.weightloom.plan.PlannedTensor.Merged;
import io.weightloom.plan.PlannedTensor.Tied;
import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.spark.SparkContext;

/**
 * Stores an expert of Twin-Merging, as {@code twin_merging} writes it, as an adapter in PEFT's
 * layout beside the shared expert: of a matrix of rank r the factors {@code lora_B · lora_A / r},
 * of all else the tensor itself. A matrix of rank 0 is left out.
 */
final class FactorPacking {
  /** The form's name in a manifest. */
  static final String FORMAT = "peft-lora";

  private static final String WEIGHTS = "adapter_model.safetensors";
  private static final String CONFIG = "adapter_config.json";
  private static final String RANK = "rank_per_model";
  private static final String PREFIX = "base_model.model.";
  private static final String WEIGHT = ".weight";

  /**
   * A tensor of the expert.
   *
   * @param of the dense one
   * @param rank of its factors; −1 if it is stored as it is
   */
  private record Part(TensorLocation of, int rank) {
    private String module() {
      String name = of.spec().name();
      return name.substring(0, name.length() - WEIGHT.length());
    }

    List<TensorSpec> entries() {
      TensorSpec dense = of.spec();
      if (rank < 0) {
        return List.of(new TensorSpec(PREFIX + dense.name(), dense.dtype(), dense.shape()));
      }
      List<Long> dims = dense.shape().dims();
      String module = PREFIX + module();
      return List.of(
          new TensorSpec(module + ".lora_A.weight", DType.F32, Shape.of(rank, dims.get(1))),
          new TensorSpec(module + ".lora_B.weight", DType.F32, Shape.of(dims.get(0), rank)));
    }
  }

  /** A part and where its entries go. */
  private record Placed(TensorLocation of, int rank, List<TensorLocation> to, String linAlg)
      implements Serializable {
    private static final long serialVersionUID = 1;

    boolean write() {
      try (ByteSource source = Storage.of(of.file()).open(of.file());
          FileChannel out = FileChannel.open(Path.of(to.get(0).file()), StandardOpenOption.WRITE)) {
        if (rank < 0) {
          copy(source, out);
        } else {
          List<Long> dims = of.spec().shape().dims();
          long needed = Subspace.svdBytes(dims.get(0), dims.get(1));
          List<byte[]> factors =
              MatrixMemory.ofThisJvm().within(of.spec(), needed, () -> factors(source));
          Repacking.put(out, to.get(0).begin(), factors.get(0));
          Repacking.put(out, to.get(1).begin(), factors.get(1));
        }
        return true;
      } catch (IOException e) {
        throw OutputDir.cannotWrite(to.get(0).file(), e);
      }
    }

    private void copy(ByteSource source, FileChannel out) throws IOException {
      byte[] block = new byte[1 << 20];
      for (long at = of.begin(); at < of.end(); at += block.length) {
        int n = (int) Math.min(block.length, of.end() - at);
        source.readFully(at, block, 0, n);
        Repacking.put(out, to.get(0).begin() + at - of.begin(), Arrays.copyOf(block, n));
      }
    }

    /** Vᵀ, and r·U·diag(σ): PEFT divides by the rank where α is 1. */
    private List<byte[]> factors(ByteSource source) {
      List<Long> dims = of.spec().shape().dims();
      byte[] bytes = new byte[Math.toIntExact(of.end() - of.begin())];
      source.readFully(of.begin(), bytes, 0, bytes.length);
      Matrix dense = Matrix.zeros(Math.toIntExact(dims.get(0)), Math.toIntExact(dims.get(1)));
      FloatBuffer values = floats(bytes);
      for (int i = 0; i < dense.size(); i++) {
        dense.values()[i] = values.get(i);
      }
      DenseLinAlg algebra = LinAlgRegistry.named(linAlg);
      Svd svd = algebra.svd(dense);
      byte[] right = new byte[rank * dense.columns() * Float.BYTES];
      FloatBuffer rows = floats(right);
      for (int i = 0; i < rank * dense.columns(); i++) {
        rows.put(i, (float) svd.vt().values()[i]);
      }
      byte[] left = new byte[dense.rows() * rank * Float.BYTES];
      FloatBuffer columns = floats(left);
      for (int i = 0; i < dense.rows(); i++) {
        for (int k = 0; k < rank; k++) {
          columns.put(i * rank + k, (float) (rank * svd.u().at(i, k) * svd.values()[k]));
        }
      }
      return List.of(right, left);
    }

    private static FloatBuffer floats(byte[] bytes) {
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }
  }

  private final Repacking repacking;
  private final List<Part> parts = new ArrayList<>();

  private FactorPacking(Repacking repacking, MergeResult expert) {
    this.repacking = repacking;
    for (TensorResult t : expert.tensors()) {
      TensorResult merged = t.planned() instanceof Tied tied ? expert.tensors().get(tied.to()) : t;
      TensorLocation dense = repacking.dense().tensors().get(t.planned().output().name());
      boolean isMerged = merged.planned() instanceof Merged;
      if (isMerged && dense != null && dense.spec().elements() > 0) {
        int rank = merged.decisions().get(RANK) instanceof Number n ? n.intValue() : -1;
        if (rank != 0) {
          parts.add(new Part(dense, rank));
        }
      }
    }
  }

  /** Fails if a model's expert would have no factors: before anything is merged. */
  static void requireFactors(PreparedMerge merge) {
    MatrixMethod method = (MatrixMethod) MergeMethods.named(merge.plan().method()).orElseThrow();
    for (PlannedTensor planned : merge.plan().tensors()) {
      if (planned instanceof Merged m && method.isMatrix(m.merge())) {
        TensorMerge matrix = m.merge();
        if (!matrix.params().choice("compress").equals("svd")) {
          throw WeightloomException.usage(
              "Cannot bundle by twin_merging: what is exclusive is stored as factors, and compress: %s leaves none (set compress: svd)"
                  .formatted(matrix.params().choice("compress")));
        }
        if (!matrix.output().name().endsWith(WEIGHT)) {
          throw WeightloomException.usage(
              "Cannot bundle %s by twin_merging: an adapter has factors of tensors NAME.weight alone (set matrices: layers, or reference, if it leaves the tensor out)"
                  .formatted(matrix.output().name()));
        }
      }
    }
  }

  /**
   * Stores an expert.
   *
   * @param dense its directory: of matrices what is exclusive, of all else the whole tensor, in F32
   * @param expert how it was made: the ranks are among its decisions
   * @param name of a directory in the output
   * @return bytes of its weights
   */
  static long run(
      SparkContext spark,
      Path dense,
      MergeResult expert,
      OutputDir output,
      String name,
      Progress progress) {
    return Repacking.run(
        spark, dense, FORMAT, progress, r -> new FactorPacking(r, expert).write(output, name));
  }

  private long write(OutputDir output, String name) throws IOException {
    String file = name + "/" + WEIGHTS;
    Files.createDirectories(output.path(name));
    SafetensorsLayout layout =
        SafetensorsLayout.of(
            parts.stream().flatMap(p -> p.entries().stream()).toList(), PreparedMerge.METADATA);
    output.allocate(file, layout);
    Map<String, TensorLocation> stored = new TreeMap<>();
    layout.tensors().forEach(t -> stored.put(t.spec().name(), Repacking.at(output.path(file), t)));
    String linAlg = LinAlgRegistry.get().name();
    List<Placed> placed = new ArrayList<>();
    Map<String, List<TensorLocation>> entries = new TreeMap<>();
    for (Part part : parts) {
      List<TensorLocation> to =
          part.entries().stream()
              .map(e -> Objects.requireNonNull(stored.get(e.name()), e.name()))
              .toList();
      placed.add(new Placed(part.of(), part.rank(), to, linAlg));
      entries.put(part.of().spec().name(), to);
    }
    repacking.perform("factor", placed, p -> p.of().end() - p.of().begin(), Placed::write);
    output.write(name + "/" + CONFIG, Json.pretty(config()));
    output.write(
        name + "/" + Manifest.FILE,
        Json.pretty(repacking.manifest(FORMAT, Map.of(WEIGHTS, layout), entries)));
    return layout.fileSize();
  }

  /** As PEFT needs it to load the adapter: ranks by module, the factor α = 1. */
  private ObjectNode config() {
    ObjectNode config = Json.object();
    config.put("peft_type", "LORA");
    config.put("lora_alpha", 1);
    config.put("r", parts.stream().mapToInt(Part::rank).max().orElse(1));
    ObjectNode ranks = config.putObject("rank_pattern");
    ArrayNode targets = config.putArray("target_modules");
    parts.stream()
        .filter(p -> p.rank() > 0)
        .forEach(
            p -> {
              ranks.put(p.module(), p.rank());
              targets.add(p.module());
            });
    return config;
  }
}
