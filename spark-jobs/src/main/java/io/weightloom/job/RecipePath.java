package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A place in the tree of a recipe: {@code parameters.lambda}, {@code
 * models[math].parameters.weight}, {@code slices[0].sources[*].parameters.scale}. An item of a list
 * is named by its number, by its model (the reference or its last part) or by {@code *}, all of
 * them. {@code models.first} is how many of the models are merged, from the first one on.
 *
 * @param text as the user wrote it
 * @param steps keys and, in brackets, items
 */
record RecipePath(String text, List<Step> steps) {

  private static final String MODELS = "models";
  private static final String FIRST = MODELS + ".first";

  /**
   * @param word the key or what stood in brackets
   * @param isItem whether it stood in brackets
   */
  record Step(String word, boolean isItem) {}

  static RecipePath of(String text) {
    List<Step> steps = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      if (text.charAt(at) == '[') {
        int end = text.indexOf(']', at);
        if (end < 0) {
          throw unusable(text, "a bracket is not closed");
        }
        steps.add(new Step(text.substring(at + 1, end), true));
        at = end + 1;
      } else {
        int begin = text.charAt(at) == '.' ? at + 1 : at;
        int end =
            IntStream.range(begin, text.length())
                .filter(i -> text.charAt(i) == '.' || text.charAt(i) == '[')
                .findFirst()
                .orElse(text.length());
        steps.add(new Step(text.substring(begin, end), false));
        at = end;
      }
    }
    if (steps.isEmpty() || steps.get(0).isItem() || steps.get(steps.size() - 1).isItem()) {
      throw unusable(text, "it must begin and end with a key, as parameters.lambda does");
    }
    if (steps.stream().anyMatch(s -> s.word().isBlank())) {
      throw unusable(text, "it has an empty step");
    }
    return new RecipePath(text, List.copyOf(steps));
  }

  private static WeightloomException unusable(String text, String why) {
    return WeightloomException.usage(
        "Cannot use the path %s of a sweep: %s (write the keys with dots between them)"
            .formatted(text, why));
  }

  /** Whether it says how many models are merged, and so is set behind all paths into them. */
  boolean isFirst() {
    return text.equals(FIRST);
  }

  /** The key, behind the item that it belongs to if there is one. */
  String label() {
    String key = steps.get(steps.size() - 1).word();
    Optional<String> item =
        steps.stream()
            .filter(Step::isItem)
            .map(Step::word)
            .filter(w -> !w.equals("*"))
            .reduce((first, second) -> second);
    return item.map(i -> last(i) + "." + key).orElse(key);
  }

  private static String last(String reference) {
    String trimmed = reference.replaceFirst("/+$", "");
    return trimmed.substring(trimmed.lastIndexOf('/') + 1);
  }

  /**
   * The tree with this value here; what is on the way is copied, or made where there is nothing.
   */
  Map<String, @Nullable Object> set(Map<?, ?> root, Object value) {
    return isFirst() ? withFirst(root, value) : set(root, 0, value);
  }

  private Map<String, @Nullable Object> withFirst(Map<?, ?> root, Object value) {
    if (!(root.get(MODELS) instanceof List<?> models)) {
      throw unusable(text, "the recipe has no list " + MODELS);
    }
    double count = value instanceof Number n ? n.doubleValue() : Double.NaN;
    if (!(count >= 1 && count <= models.size() && count == Math.rint(count))) {
      throw WeightloomException.usage(
          "Cannot use the path %s of a sweep: the recipe has %d models, and %s is asked for (give whole numbers from 1 to %d)"
              .formatted(text, models.size(), value, models.size()));
    }
    Map<String, @Nullable Object> copy = new LinkedHashMap<>();
    root.forEach((k, v) -> copy.put(String.valueOf(k), v));
    copy.put(MODELS, new ArrayList<>(models.subList(0, (int) count)));
    return copy;
  }

  private Map<String, @Nullable Object> set(Map<?, ?> map, int depth, Object value) {
    Map<String, @Nullable Object> copy = new LinkedHashMap<>();
    map.forEach((k, v) -> copy.put(String.valueOf(k), v));
    String key = steps.get(depth).word();
    if (depth == steps.size() - 1) {
      copy.put(key, value);
    } else if (steps.get(depth + 1).isItem()) {
      copy.put(key, setItems(copy.get(key), depth + 1, value));
    } else {
      Object child = copy.get(key);
      if (child != null && !(child instanceof Map)) {
        throw unusable(text, key + " holds " + child + ", not keys");
      }
      copy.put(key, set(child instanceof Map<?, ?> m ? m : Map.of(), depth + 1, value));
    }
    return copy;
  }

  private List<@Nullable Object> setItems(@Nullable Object list, int depth, Object value) {
    if (!(list instanceof List<?> items)) {
      throw unusable(text, "the recipe has no list " + steps.get(depth - 1).word());
    }
    String item = steps.get(depth).word();
    List<@Nullable Object> copy = new ArrayList<>(items);
    boolean found = false;
    for (int i = 0; i < copy.size(); i++) {
      if (names(item, i, copy.get(i))) {
        Object at = copy.get(i);
        copy.set(i, set(at instanceof Map<?, ?> m ? m : Map.of(), depth + 1, value));
        found = true;
      }
    }
    if (!found) {
      throw unusable(
          text,
          "no item %s, there are %s"
              .formatted(
                  item,
                  IntStream.range(0, copy.size())
                      .mapToObj(i -> i + " " + model(copy.get(i)))
                      .collect(Collectors.joining(", "))));
    }
    return copy;
  }

  private static boolean names(String word, int index, @Nullable Object item) {
    String model = model(item);
    return word.equals("*")
        || word.equals(String.valueOf(index))
        || word.equals(model)
        || word.equals(last(model));
  }

  private static String model(@Nullable Object item) {
    return item instanceof Map<?, ?> m ? String.valueOf(m.get("model")) : String.valueOf(item);
  }
}
