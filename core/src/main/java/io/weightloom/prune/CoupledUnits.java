package io.weightloom.prune;

import io.weightloom.error.WeightloomException;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Units of a model's layers that several tensors share, so that one goes from all of them or from
 * none: channels of a gated perceptron, groups of attention heads. What a tensor is for is taken
 * from its role, as Llama and its like name them (Ma et al., 2023, "LLM-Pruner", section 3.1:
 * dependent structures).
 *
 * @param kind what they are
 * @param units how many each layer has
 * @param layers of the stack, from the first
 */
public record CoupledUnits(Kind kind, int units, List<Layer> layers) {

  /** What goes. */
  public enum Kind {
    /** Inner channels of the perceptron: rows of gate and up, columns of down. */
    CHANNELS("channels", "mlp."),
    /** Key and value heads with the query heads that read them. */
    HEADS("heads", "self_attn.");

    private final String plural;
    private final String block;

    Kind(String plural, String block) {
      this.plural = plural;
      this.block = block;
    }

    /** As messages call several. */
    public String plural() {
      return plural;
    }
  }

  /**
   * A tensor that has a share in every unit.
   *
   * @param tensor the tensor
   * @param dim the dimension along which units lie, each a run of equal length
   */
  public record Part(TensorSpec tensor, int dim) {}

  /**
   * The tensors of a layer.
   *
   * @param name such as {@code model.layers.0}
   * @param parts in the order of their roles
   */
  public record Layer(String name, List<Part> parts) {}

  /**
   * What tensors of a role are like.
   *
   * @param size of the dimension along which the units lie
   * @param needed whether every layer has one
   */
  private record Role(String name, int dim, long size, boolean needed) {}

  public CoupledUnits {
    layers = List.copyOf(layers);
  }

  /**
   * The inner channels of each layer's perceptron.
   *
   * @param model what to call it in errors
   * @param channels {@code intermediate_size}
   * @throws WeightloomException if its tensors are not those that are known, or have other sizes
   */
  public static CoupledUnits channels(String model, Collection<TensorSpec> tensors, int channels) {
    List<Role> roles =
        List.of(
            new Role("gate_proj.weight", 0, channels, false),
            new Role("gate_proj.bias", 0, channels, false),
            new Role("up_proj.weight", 0, channels, true),
            new Role("up_proj.bias", 0, channels, false),
            new Role("down_proj.weight", 1, channels, true));
    return of(model, tensors, Kind.CHANNELS, channels, roles, Map.of("down_proj.bias", 0L));
  }

  /**
   * The key and value heads of each layer, each with the query heads that read it.
   *
   * @param model what to call it in errors
   * @param heads {@code num_attention_heads}
   * @param groups {@code num_key_value_heads}; as many as heads without grouped-query attention
   * @param headDim elements of a head
   * @throws WeightloomException if the layers' tensors are not those that are known, or have other
   *     sizes
   */
  public static CoupledUnits heads(
      String model, Collection<TensorSpec> tensors, int heads, int groups, int headDim) {
    long queries = (long) heads * headDim;
    long keys = (long) groups * headDim;
    List<Role> roles =
        List.of(
            new Role("q_proj.weight", 0, queries, true),
            new Role("q_proj.bias", 0, queries, false),
            new Role("k_proj.weight", 0, keys, true),
            new Role("k_proj.bias", 0, keys, false),
            new Role("v_proj.weight", 0, keys, true),
            new Role("v_proj.bias", 0, keys, false),
            new Role("o_proj.weight", 1, queries, true));
    long each = headDim;
    // Norms of each head are the same for all heads; one over all heads together is not known.
    return of(
        model,
        tensors,
        Kind.HEADS,
        groups,
        roles,
        Map.of(
            "o_proj.bias",
            0L,
            "rotary_emb.inv_freq",
            0L,
            "q_norm.weight",
            each,
            "k_norm.weight",
            each));
  }

  /**
   * @param apart tensors of the block that units have no share in, with their number of elements or
   *     0 for any
   */
  private static CoupledUnits of(
      String model,
      Collection<TensorSpec> tensors,
      Kind kind,
      int units,
      List<Role> roles,
      Map<String, Long> apart) {
    String stack = stack(model, tensors, kind, roles.get(roles.size() - 1));
    Map<Integer, Map<String, TensorSpec>> blocks = new TreeMap<>();
    for (TensorSpec tensor : tensors) {
      Optional<TensorName.Layer> layer = TensorName.layer(tensor.name());
      if (layer.isPresent() && layer.get().stack().equals(stack)) {
        Map<String, TensorSpec> block =
            blocks.computeIfAbsent(layer.get().index(), i -> new TreeMap<>());
        String role = TensorName.role(tensor.name());
        if (role.startsWith(kind.block)) {
          block.put(role.substring(kind.block.length()), tensor);
        }
      }
    }
    List<Layer> layers = new ArrayList<>();
    blocks.forEach(
        (index, block) ->
            layers.add(
                new Layer(
                    stack + "." + index,
                    parts(model, stack + "." + index, kind, block, roles, apart))));
    return new CoupledUnits(kind, units, layers);
  }

  /** The one stack of layers that has such units: of the one role that no other block has. */
  private static String stack(
      String model, Collection<TensorSpec> tensors, Kind kind, Role output) {
    Set<String> stacks = new TreeSet<>();
    for (TensorSpec tensor : tensors) {
      TensorName.layer(tensor.name())
          .filter(l -> TensorName.role(tensor.name()).equals(kind.block + output.name()))
          .ifPresent(l -> stacks.add(l.stack()));
    }
    if (stacks.size() != 1) {
      throw failure(
          model,
          kind,
          stacks.isEmpty()
              ? "no layer has a tensor %s%s".formatted(kind.block, output.name())
              : "it has several stacks of layers with such, " + String.join(", ", stacks));
    }
    return stacks.iterator().next();
  }

  private static List<Part> parts(
      String model,
      String layer,
      Kind kind,
      Map<String, TensorSpec> block,
      List<Role> roles,
      Map<String, Long> apart) {
    List<Part> parts = new ArrayList<>();
    Map<String, TensorSpec> unknown = new TreeMap<>(block);
    for (Role role : roles) {
      TensorSpec tensor = unknown.remove(role.name());
      if (tensor != null) {
        parts.add(part(model, kind, tensor, role));
      } else if (role.needed()) {
        throw failure(model, kind, "%s lacks %s%s".formatted(layer, kind.block, role.name()));
      }
    }
    apart.forEach(
        (name, elements) -> {
          TensorSpec tensor = unknown.get(name);
          if (tensor != null && (elements == 0 || tensor.elements() == elements)) {
            unknown.remove(name);
          }
        });
    for (TensorSpec tensor : unknown.values()) {
      throw failure(
          model,
          kind,
          "it is not known how they lie in %s, %s".formatted(tensor.name(), tensor.shape()));
    }
    return parts;
  }

  private static Part part(String model, Kind kind, TensorSpec tensor, Role role) {
    List<Long> dims = tensor.shape().dims();
    boolean fits =
        dims.size() == (role.name().endsWith(".bias") ? 1 : 2)
            && dims.get(role.dim()) == role.size()
            && tensor.dtype().isComputed();
    if (!fits) {
      throw failure(
          model,
          kind,
          "%s is %s of %s, and by the config dimension %d has %d"
              .formatted(tensor.name(), tensor.dtype(), tensor.shape(), role.dim(), role.size()));
    }
    return new Part(tensor, role.dim());
  }

  private static WeightloomException failure(String model, Kind kind, String why) {
    return WeightloomException.input(
        "Cannot tell the %s of %s apart: %s (known are layers whose tensors are named as Llama's, not fused, not quantised)"
            .formatted(kind.plural, model, why));
  }

  /**
   * The units that stay, in their order: those of highest score; of equal ones the first go, as
   * everywhere in pruning.
   *
   * @param scores of each unit, finite
   * @param count how many stay
   */
  public static List<Integer> kept(double[] scores, int count) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> 0.0 + scores[i])) // Stable; −0 is 0.
        .skip(scores.length - count)
        .sorted()
        .toList();
  }
}
