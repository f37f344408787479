package io.weightloom.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.BlockTables;
import io.weightloom.io.ByteSource;
import io.weightloom.io.ContentDigest;
import io.weightloom.io.ModelDir;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.kernel.KernelRegistry;
import io.weightloom.merge.Arith;
import io.weightloom.merge.DoubleArith;
import io.weightloom.tensor.DType;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads all of a model once and says whether it can be trusted. Needs no Spark. */
public final class VerifyJob {
  private static final int BLOCK = 1 << 20;
  private static final int MANIFEST_LIMIT = 1 << 30;

  /**
   * What was found.
   *
   * @param tensors how many were read
   * @param bytes of their data
   * @param hasManifest whether there were digests to compare with
   * @param isTable whether it was read from a block table, each block held against its digest
   * @param content digest of the model
   * @param problems what is wrong, empty for a sound model
   * @param warnings what was let pass
   */
  public record Verdict(
      int tensors,
      long bytes,
      boolean hasManifest,
      boolean isTable,
      String content,
      List<String> problems,
      List<String> warnings) {}

  private VerifyJob() {}

  /** Verifies the model at a path, tensors side by side on all cores. */
  public static Verdict run(String path) {
    ModelDir dir = ModelDir.open(path, Profile.STRICT);
    Optional<JsonNode> manifest = manifest(dir);
    Map<String, String> digests = Collections.synchronizedMap(new TreeMap<>());
    List<String> problems = Collections.synchronizedList(new ArrayList<>());
    dir.tensors().values().parallelStream()
        .forEach(t -> digest(t, problems).ifPresent(d -> digests.put(t.spec().name(), d)));
    manifest.ifPresent(m -> compare(m, digests, problems));
    return new Verdict(
        digests.size(),
        dir.tensors().values().stream().mapToLong(t -> t.spec().byteSize()).sum(),
        manifest.isPresent(),
        BlockTables.isVirtual(dir.path()),
        Manifest.contentOf(digests),
        problems.stream().sorted().toList(),
        dir.warnings());
  }

  private static Optional<JsonNode> manifest(ModelDir dir) {
    Storage storage = Storage.of(dir.path());
    String path = storage.resolve(dir.path(), Manifest.FILE);
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new ObjectMapper().readTree(storage.readAll(path, MANIFEST_LIMIT)));
    } catch (IOException e) {
      throw WeightloomException.input(
          "Cannot read %s: %s (merge again)".formatted(path, e.getMessage()));
    }
  }

  private static void compare(
      JsonNode manifest, Map<String, String> digests, List<String> problems) {
    JsonNode tensors = manifest.path("tensors");
    digests.forEach(
        (name, digest) -> {
          JsonNode recorded = tensors.path(name).path("digest");
          if (recorded.isMissingNode()) {
            problems.add(name + " is not in the manifest");
          } else if (!recorded.asText().equals(digest)) {
            problems.add(
                "%s has digest %s, the manifest says %s"
                    .formatted(name, digest, recorded.asText()));
          }
        });
    tensors
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (!digests.containsKey(name)) {
                problems.add(name + " is in the manifest but not in the model");
              }
            });
  }

  /** The digest of a tensor; empty if a block of it is not what its table says. */
  private static Optional<String> digest(TensorLocation tensor, List<String> problems) {
    try {
      return Optional.of(read(tensor, problems));
    } catch (WeightloomException e) {
      if (e.kind() != WeightloomException.Kind.GATE) {
        throw e;
      }
      problems.add(e.getMessage());
      return Optional.empty();
    }
  }

  private static String read(TensorLocation tensor, List<String> problems) {
    ContentDigest.Accumulator digest = Worker.digest(tensor.spec());
    DType dtype = tensor.spec().dtype();
    byte[] block = new byte[BLOCK];
    long bad = -1;
    String file = BlockTables.checked(tensor.file());
    try (ByteSource source = Storage.of(file).open(file)) {
      long size = tensor.end() - tensor.begin();
      for (long at = 0; at < size; at += BLOCK) {
        int n = (int) Math.min(BLOCK, size - at);
        source.readFully(tensor.begin() + at, block, 0, n);
        digest.update(block, 0, n);
        if (dtype.isComputed() && bad < 0) {
          int found = firstNonFinite(dtype, block, n / dtype.bytes());
          bad = found < 0 ? -1 : at / dtype.bytes() + found;
        }
      }
    }
    if (bad >= 0) {
      problems.add(
          "%s holds NaN or infinity, first at element %d".formatted(tensor.spec().name(), bad));
    }
    return ContentDigest.tensor(digest.grains());
  }

  private static int firstNonFinite(DType dtype, byte[] block, int count) {
    DoubleArith arith = new DoubleArith(KernelRegistry.get().kernels());
    double[] values = arith.vector();
    for (int at = 0; at < count; at += Arith.CAPACITY) {
      int n = Math.min(Arith.CAPACITY, count - at);
      arith.decode(dtype, block, at * dtype.bytes(), values, n);
      int bad = arith.firstNonFinite(values, n);
      if (bad >= 0) {
        return at + bad;
      }
    }
    return -1;
  }
}
