package io.weightloom.tensor;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The parts of a tensor's name that a merge looks at. Names are taken as they are: no architecture
 * file is needed, a layer is the first number behind {@code layers}, {@code layer}, {@code h},
 * {@code blocks}, {@code block} or {@code resblocks}.
 *
 * <p>{@code model.layers.12.mlp.up_proj.weight} is layer 12 of the stack {@code model.layers}.
 */
public final class TensorName {
  private static final Pattern LAYER =
      Pattern.compile(
          "(?:^|(?<=\\.))(layers|layer|h|blocks|block|resblocks)\\.(\\d{1,6})(?=\\.|$)");
  private static final Pattern EMBEDDING =
      Pattern.compile(
          "(?:^|[._])(embed|embeds|embedding|embeddings|wte|wpe|embed_tokens)(?:[._]|$)");

  /** Orders names as a person would: runs of digits by their value, the rest by code point. */
  public static final Comparator<String> NATURAL_ORDER = TensorName::compareNaturally;

  private TensorName() {}

  /**
   * A layer of a stack.
   *
   * @param stack the name up to the number, such as {@code model.layers}
   * @param index the number
   */
  public record Layer(String stack, int index) {}

  /** The layer that the tensor belongs to; empty for embeddings, final norm and heads. */
  public static Optional<Layer> layer(String name) {
    Matcher m = LAYER.matcher(name);
    return m.find()
        ? Optional.of(new Layer(name.substring(0, m.end(1)), Integer.parseInt(m.group(2))))
        : Optional.empty();
  }

  /**
   * What the tensor is for, whatever its layer: the name behind the layer's number, such as {@code
   * mlp.up_proj.weight}; the whole name where there is no layer.
   */
  public static String role(String name) {
    Matcher m = LAYER.matcher(name);
    return m.find() && m.end() < name.length() ? name.substring(m.end() + 1) : name;
  }

  /** The same name in another layer of its stack; only for names that have a layer. */
  public static String inLayer(String name, int index) {
    Matcher m = LAYER.matcher(name);
    if (!m.find()) {
      throw new IllegalArgumentException(name + " has no layer");
    }
    return name.substring(0, m.start(2)) + index + name.substring(m.end(2));
  }

  /** Whether a tensor without a layer stands before the stack (embeddings) or after it (heads). */
  public static boolean isBeforeLayers(String name) {
    return EMBEDDING.matcher(name).find();
  }

  private static int compareNaturally(String a, String b) {
    int i = 0;
    int j = 0;
    while (i < a.length() && j < b.length()) {
      if (isDigit(a.charAt(i)) && isDigit(b.charAt(j))) {
        int endA = endOfDigits(a, i);
        int endB = endOfDigits(b, j);
        int byValue = compareDigits(a, i, endA, b, j, endB);
        if (byValue != 0) {
          return byValue;
        }
        i = endA;
        j = endB;
      } else if (a.charAt(i) != b.charAt(j)) {
        return Character.compare(a.charAt(i), b.charAt(j));
      } else {
        i++;
        j++;
      }
    }
    int byLength = Integer.compare(a.length() - i, b.length() - j);
    return byLength != 0 ? byLength : a.compareTo(b);
  }

  /** By value, however many digits: of two without leading zeros the longer is the greater. */
  private static int compareDigits(String a, int fromA, int endA, String b, int fromB, int endB) {
    int i = firstOfValue(a, fromA, endA);
    int j = firstOfValue(b, fromB, endB);
    int order = Integer.compare(endA - i, endB - j);
    while (order == 0 && i < endA) {
      order = Character.compare(a.charAt(i++), b.charAt(j++));
    }
    return order;
  }

  private static int firstOfValue(String digits, int from, int end) {
    int first = from;
    while (first < end - 1 && digits.charAt(first) == '0') {
      first++;
    }
    return first;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static int endOfDigits(String s, int from) {
    int end = from;
    while (end < s.length() && isDigit(s.charAt(end))) {
      end++;
    }
    return end;
  }
}
