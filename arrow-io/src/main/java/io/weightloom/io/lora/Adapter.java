package io.weightloom.io.lora;

import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.io.safetensors.SafetensorsHeader;
import io.weightloom.io.safetensors.StoredTensor;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A low-rank adapter as PEFT saves it: its configuration and where its tensors are; no weights.
 *
 * @param path its directory
 * @param factor of its change
 * @param config how it is folded
 * @param header of its weights
 * @param parts what it holds for each tensor, by the tensor's name
 */
record Adapter(
    String path,
    double factor,
    AdapterConfig config,
    SafetensorsHeader header,
    Map<String, Parts> parts) {

  private static final String WEIGHTS = "adapter_model.safetensors";
  private static final String PREFIX = "base_model.model.";
  private static final String WEIGHT = ".weight";
  private static final Map<String, Boolean> FACTORS = new LinkedHashMap<>();

  static {
    FACTORS.put(".lora_A.weight", true);
    FACTORS.put(".lora_B.weight", false);
    FACTORS.put(".lora_embedding_A", true);
    FACTORS.put(".lora_embedding_B", false);
  }

  /**
   * What an adapter holds for one tensor: both factors, or all of it.
   *
   * @param module its name without the last part, that patterns look at
   * @param a rank × inputs
   * @param b outputs × rank
   * @param embedding whether the factors are those of an embedding, stored transposed
   * @param whole the tensor itself, trained beside the factors
   */
  record Parts(
      String module,
      @Nullable StoredTensor a,
      @Nullable StoredTensor b,
      boolean embedding,
      @Nullable StoredTensor whole) {}

  /** Reads configuration and header of the adapter in a directory. */
  static Adapter read(String path, double factor) {
    AdapterConfig config = AdapterConfig.read(path);
    Storage storage = Storage.of(path);
    String file = storage.resolve(path, WEIGHTS);
    if (!storage.exists(file)) {
      throw AdapterConfig.failure(
          path,
          "it holds no " + WEIGHTS,
          "save it with PEFT's save_pretrained, safe_serialization=True");
    }
    try (ByteSource source = storage.open(file)) {
      SafetensorsHeader header = SafetensorsHeader.read(source, Profile.REFERENCE);
      return new Adapter(path, factor, config, header, parts(path, header));
    }
  }

  private static Map<String, Parts> parts(String path, SafetensorsHeader header) {
    Map<String, Parts> parts = new LinkedHashMap<>();
    for (StoredTensor tensor : header.tensors()) {
      String name = tensor.spec().name();
      String plain = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
      Optional<String> factor = FACTORS.keySet().stream().filter(plain::endsWith).findFirst();
      if (factor.isPresent()) {
        String module = plain.substring(0, plain.length() - factor.get().length());
        boolean isA = Boolean.TRUE.equals(FACTORS.get(factor.get()));
        boolean embedding = factor.get().contains("embedding");
        Parts one = new Parts(module, isA ? tensor : null, isA ? null : tensor, embedding, null);
        parts.merge(module + WEIGHT, one, (x, y) -> joined(x, y));
      } else if (plain.contains(".lora_")) {
        throw AdapterConfig.failure(
            path, "it holds " + name, "merge it into its base with PEFT first");
      } else {
        String whole = plain.replace(".modules_to_save.", ".").replace(".base_layer.", ".");
        parts.put(whole, new Parts(whole, null, null, false, tensor));
      }
    }
    parts.forEach(
        (name, p) -> {
          if (p.whole() == null && (p.a() == null || p.b() == null)) {
            throw AdapterConfig.failure(
                path, "of %s it holds one factor".formatted(name), "download it again");
          }
        });
    return parts;
  }

  private static Parts joined(Parts x, Parts y) {
    return new Parts(
        x.module(),
        x.a() != null ? x.a() : y.a(),
        x.b() != null ? x.b() : y.b(),
        x.embedding(),
        null);
  }

  /** {@code base_model_name_or_path}. */
  String base() {
    return config.base();
  }

  /** The names of the tensors that it changes. */
  Set<String> names() {
    return parts.keySet();
  }

  /**
   * What it changes of a base's tensor. Names are equal, or one has a first part that the other has
   * not: what a task model puts before its backbone.
   */
  Optional<Change> changeOf(TensorSpec tensor) {
    List<String> candidates = new ArrayList<>();
    candidates.add(tensor.name());
    parts.keySet().stream()
        .filter(name -> withoutFirst(name).equals(tensor.name()))
        .forEach(candidates::add);
    candidates.add(withoutFirst(tensor.name()));
    return candidates.stream()
        .filter(parts::containsKey)
        .findFirst()
        .map(name -> change(name, tensor));
  }

  private static String withoutFirst(String name) {
    return name.substring(name.indexOf('.') + 1);
  }

  private Change change(String name, TensorSpec tensor) {
    Parts p = parts.get(name);
    if (p == null) {
      throw new IllegalStateException(name);
    }
    return Change.of(this, name, p, tensor);
  }
}
