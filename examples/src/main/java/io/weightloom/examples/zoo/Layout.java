package io.weightloom.examples.zoo;

import io.weightloom.tensor.DType;
import io.weightloom.tensor.Shape;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The tensors of the demo network and where each begins in one flat array of parameters: the trunk,
 * which fine-tuning changes, then one head per task, which it does not.
 */
final class Layout {
  static final int HIDDEN = 128;
  static final int INTERMEDIATE = 320;
  static final int LAYERS = 4;

  /** A tensor's place in the flat array. */
  record Slot(TensorSpec spec, int offset) {

    int size() {
      return (int) spec.elements();
    }

    boolean isNorm() {
      return spec.shape().rank() == 1;
    }
  }

  private static final List<Slot> SLOTS = new ArrayList<>();

  static final int EMBEDDING = add("model.embed_tokens.weight", Camera.PIXELS, HIDDEN);
  private static final int[] NORM = new int[LAYERS];
  private static final int[] UP = new int[LAYERS];
  private static final int[] DOWN = new int[LAYERS];

  static {
    for (int l = 0; l < LAYERS; l++) {
      String layer = "model.layers." + l + ".";
      NORM[l] = add(layer + "post_attention_layernorm.weight", HIDDEN);
      UP[l] = add(layer + "mlp.up_proj.weight", INTERMEDIATE, HIDDEN);
      DOWN[l] = add(layer + "mlp.down_proj.weight", HIDDEN, INTERMEDIATE);
    }
  }

  static final int FINAL_NORM = add("model.norm.weight", HIDDEN);

  /** Parameters of the trunk; they come first. */
  static final int TRUNK = size();

  private static final Map<Task, Integer> HEAD = new EnumMap<>(Task.class);

  static {
    for (Task task : Task.values()) {
      HEAD.put(task, add("heads." + task.label() + ".weight", task.classes(), HIDDEN));
    }
  }

  /** All parameters. */
  static final int SIZE = size();

  private Layout() {}

  /** All tensors, in the order of the flat array. */
  static List<Slot> slots() {
    return List.copyOf(SLOTS);
  }

  static int norm(int layer) {
    return NORM[layer];
  }

  static int up(int layer) {
    return UP[layer];
  }

  static int down(int layer) {
    return DOWN[layer];
  }

  static int head(Task task) {
    return Objects.requireNonNull(HEAD.get(task));
  }

  private static int size() {
    return SLOTS.stream().mapToInt(Slot::size).sum();
  }

  private static int add(String name, long... dims) {
    int offset = size();
    SLOTS.add(new Slot(new TensorSpec(name, DType.BF16, Shape.of(dims)), offset));
    return offset;
  }
}
