package io.weightloom.io;

import io.weightloom.error.WeightloomException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Which files of a directory are the model's weights: an index and its shards, or one file.
 *
 * @param index the index's name; empty for a single file
 * @param single the single file's name; empty for an index
 */
record WeightFiles(String index, String single) {
  static final String SUFFIX = ".safetensors";
  private static final String INDEX_SUFFIX = SUFFIX + ".index.json";
  private static final String ADAPTER = "adapter_model" + SUFFIX;
  private static final List<String> STEMS = List.of("model", "diffusion_pytorch_model");

  /**
   * Chooses as the common loaders do: {@code model.safetensors}, then its index, then whatever
   * stands alone.
   */
  static WeightFiles choose(String dir, List<String> names) {
    for (String stem : STEMS) {
      if (names.contains(stem + SUFFIX)) {
        return new WeightFiles("", stem + SUFFIX);
      }
      if (names.contains(stem + INDEX_SUFFIX)) {
        return new WeightFiles(stem + INDEX_SUFFIX, "");
      }
    }
    List<String> indexes = matching(names, n -> n.endsWith(INDEX_SUFFIX));
    if (indexes.size() == 1) {
      return new WeightFiles(indexes.get(0), "");
    }
    List<String> files = matching(names, n -> n.endsWith(SUFFIX) && !n.equals(ADAPTER));
    if (indexes.isEmpty() && files.size() == 1) {
      return new WeightFiles("", files.get(0));
    }
    throw none(dir, names, indexes, files);
  }

  /** What a reader of the directory might take for weights besides; a warning. */
  Optional<String> alsoThere(List<String> names) {
    String other = single.isEmpty() ? "" : single + ".index.json";
    return names.contains(other)
        ? Optional.of(other + " is not used, " + single + " holds the whole model")
        : Optional.empty();
  }

  private static WeightloomException none(
      String dir, List<String> names, List<String> indexes, List<String> files) {
    if (indexes.size() > 1) {
      return failure(dir, "several indexes, " + indexes, "name one safetensors file or keep one");
    }
    if (files.size() > 1) {
      return failure(
          dir,
          "several safetensors files and no index, " + files,
          "name the one to read, or add model.safetensors.index.json");
    }
    if (names.contains(ADAPTER)) {
      return failure(
          dir,
          "an adapter and no model, " + ADAPTER,
          "write its base before it, as base+" + dir + ", or name the file itself");
    }
    List<String> pickles = matching(names, WeightFiles::isPickle);
    if (!pickles.isEmpty()) {
      return failure(
          dir,
          "no safetensors file but " + pickles.get(0) + ", a pickle, and pickles can run code",
          "convert it once, in a place you trust: from transformers import AutoModelForCausalLM as M;"
              + " M.from_pretrained(dir).save_pretrained(out, safe_serialization=True)");
    }
    return failure(
        dir,
        "neither model.safetensors nor model.safetensors.index.json nor another safetensors file",
        "see whether it is the model's own directory");
  }

  /** Whether a file of this name holds weights, or says which files do. */
  static boolean isWeights(String name) {
    return name.endsWith(SUFFIX) || name.endsWith(INDEX_SUFFIX);
  }

  private static boolean isPickle(String name) {
    return (name.startsWith("pytorch_model") && name.endsWith(".bin"))
        || name.endsWith(".pt")
        || name.endsWith(".pth")
        || name.endsWith(".ckpt");
  }

  private static WeightloomException failure(String dir, String holds, String fix) {
    return WeightloomException.input(
        "Cannot open model %s: it holds %s (%s)".formatted(dir, holds, fix));
  }

  private static List<String> matching(List<String> names, Predicate<String> filter) {
    return names.stream().filter(filter).toList();
  }
}
