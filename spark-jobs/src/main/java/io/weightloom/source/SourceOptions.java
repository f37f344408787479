package io.weightloom.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.weightloom.error.WeightloomException;
import io.weightloom.io.safetensors.Profile;
import io.weightloom.recipe.Suggestion;
import io.weightloom.tensor.BlockCut;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.hadoop.fs.GlobPattern;
import org.apache.spark.network.util.JavaUtils;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.jspecify.annotations.Nullable;

/**
 * How a reader is asked to read.
 *
 * @param blockElements the target of the cut, see {@link BlockCut#of}
 * @param tensors a glob of tensor names; empty for all
 * @param aligned whether a row holds a block of all models
 * @param skipMissing whether an aligned scan leaves out tensors that are not alike in all models
 * @param splitBytes bytes of data in a partition; empty for a partition a tensor
 */
record SourceOptions(
    int blockElements,
    Optional<String> tensors,
    boolean aligned,
    boolean skipMissing,
    OptionalLong splitBytes) {

  static final String PATH = "path";
  static final String PATHS = "paths";
  static final String BLOCK_SIZE = "blockSize";
  private static final String MODELS = "models";
  private static final String NAME = "name";
  private static final String TENSORS = "tensors";
  private static final String ALIGNED = "aligned";
  private static final String MISSING = "missing";
  private static final String SPLIT_SIZE = "splitSize";
  private static final String PROFILE = "profile";
  private static final List<String> KNOWN =
      List.of(MODELS, NAME, TENSORS, BLOCK_SIZE, SPLIT_SIZE, ALIGNED, MISSING, PROFILE);

  /** What Spark puts among the options of its own accord, in small letters. */
  private static final Set<String> OF_SPARK =
      Set.of(
          PATH,
          PATHS,
          "provider",
          "location",
          "owner",
          "comment",
          "collation",
          "external",
          "is_managed_location",
          "serialization.format",
          "transient_lastddltime");

  /** Wider than all dtypes are 8 bytes: a block of so many elements is 1 GiB. */
  private static final int MAX_ELEMENTS = 1 << 27;

  private static final int MIN_ELEMENTS = 8;

  /**
   * Reads the options.
   *
   * @throws WeightloomException of kind USAGE for an option that is unknown or makes no sense
   */
  static SourceOptions of(CaseInsensitiveStringMap options) {
    requireKnown("read a checkpoint", options, KNOWN);
    return new SourceOptions(
        blockElements(options),
        glob(options.get(TENSORS)),
        oneOf(options, ALIGNED, "false", "true").equals("true"),
        oneOf(options, MISSING, "error", "skip").equals("skip"),
        splitBytes(options));
  }

  /**
   * The models that the options name, called as the options say.
   *
   * @throws WeightloomException if they name none, or one that is not there
   */
  static List<SourceModel> models(CaseInsensitiveStringMap options) {
    List<String> references = references(options);
    List<String> names = list(options.get(NAME));
    if (!names.isEmpty() && names.size() != references.size()) {
      throw usage(
          NAME,
          String.join(",", names),
          "%d names for %d models".formatted(names.size(), references.size()),
          "give one name for each model, with commas between them");
    }
    Profile profile =
        oneOf(options, PROFILE, "reference", "strict").equals("strict")
            ? Profile.STRICT
            : Profile.REFERENCE;
    List<SourceModel> models = new ArrayList<>();
    for (String reference : references) {
      SourceModel model = SourceModel.of(reference, profile);
      models.add(names.isEmpty() ? model : model.named(names.get(models.size())));
    }
    return List.copyOf(models);
  }

  private static List<String> references(CaseInsensitiveStringMap options) {
    List<String> paths =
        Stream.concat(
                Optional.ofNullable(options.get(PATH)).filter(p -> !p.isBlank()).stream(),
                list(options.get(PATHS)).stream())
            .toList();
    List<String> models = list(options.get(MODELS));
    if (!paths.isEmpty() && !models.isEmpty()) {
      throw usage(
          MODELS,
          String.join(",", models),
          "there are paths besides, " + paths,
          "give one of both");
    }
    List<String> all = paths.isEmpty() ? models : paths;
    if (all.isEmpty()) {
      throw WeightloomException.usage(
          "Cannot read a checkpoint: no model is named (give load(path), or option models with commas between models)");
    }
    return all;
  }

  /** Elements of a block: so many bytes of a 16-bit type. */
  static int blockElements(CaseInsensitiveStringMap options) {
    String text = options.get(BLOCK_SIZE);
    if (text == null) {
      return BlockCut.DEFAULT_ELEMENTS;
    }
    long elements = bytes(BLOCK_SIZE, text) / 2;
    if (elements < MIN_ELEMENTS || elements > MAX_ELEMENTS) {
      throw usage(
          BLOCK_SIZE, text, "it must be from 16 bytes to 256m", "try 1m, which is the default");
    }
    return (int) elements;
  }

  private static OptionalLong splitBytes(CaseInsensitiveStringMap options) {
    String text = options.get(SPLIT_SIZE);
    if (text == null) {
      return OptionalLong.empty();
    }
    long bytes = bytes(SPLIT_SIZE, text);
    if (bytes < 1) {
      throw usage(SPLIT_SIZE, text, "it must be a byte at least", "try 128m");
    }
    return OptionalLong.of(bytes);
  }

  /** A size as Spark writes them: {@code 1m} is 2²⁰ bytes. */
  static long bytes(String option, String text) {
    try {
      return JavaUtils.byteStringAsBytes(text);
    } catch (IllegalArgumentException e) {
      throw usage(option, text, "it is no size", "write it as 1m or 64k");
    }
  }

  /** Refuses options that are neither known nor Spark's own. */
  static void requireKnown(String what, CaseInsensitiveStringMap options, List<String> known) {
    for (String option : options.asCaseSensitiveMap().keySet()) {
      String lower = option.toLowerCase(Locale.ROOT);
      boolean ours = known.stream().anyMatch(option::equalsIgnoreCase);
      boolean sparks =
          OF_SPARK.contains(lower) || lower.startsWith("spark.") || lower.startsWith("option.");
      if (!ours && !sparks) {
        throw WeightloomException.usage(
            "Cannot %s: there is no option %s%s"
                .formatted(what, option, Suggestion.phrase(option, known)));
      }
    }
  }

  /** A glob's test of names. */
  static GlobPattern compiled(String glob) {
    try {
      return new GlobPattern(glob);
    } catch (RuntimeException e) { // Of a class that Hadoop keeps to itself.
      throw usage(
          TENSORS,
          glob,
          "it is no glob, " + e.getMessage(),
          "write it as *.mlp.*, with \\ before special characters");
    }
  }

  private static Optional<String> glob(@Nullable String text) {
    if (text == null) {
      return Optional.empty();
    }
    compiled(text);
    return Optional.of(text);
  }

  private static String oneOf(
      CaseInsensitiveStringMap options, String option, String usual, String other) {
    String text = options.getOrDefault(option, usual);
    String lower = text.strip().toLowerCase(Locale.ROOT);
    if (!lower.equals(usual) && !lower.equals(other)) {
      throw usage(option, text, "it is neither " + usual + " nor " + other, "choose one of them");
    }
    return lower;
  }

  /** Words between commas, or a JSON array as Spark makes it of several paths. */
  private static List<String> list(@Nullable String text) {
    if (text == null) {
      return List.of();
    }
    if (!text.strip().startsWith("[")) {
      return Arrays.stream(text.split(",", -1))
          .map(String::strip)
          .filter(w -> !w.isEmpty())
          .toList();
    }
    try {
      return List.copyOf(
          JsonMapper.builder().build().readValue(text, new TypeReference<ArrayList<String>>() {}));
    } catch (JsonProcessingException e) {
      throw WeightloomException.usage(
          "Cannot read a checkpoint: %s is no JSON array of strings (write the models with commas between them)"
              .formatted(text));
    }
  }

  private static WeightloomException usage(String option, String value, String why, String fix) {
    return WeightloomException.usage(
        "Cannot use option %s of a checkpoint, %s: %s (%s)".formatted(option, value, why, fix));
  }
}
