package io.weightloom.io;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.weightloom.error.WeightloomException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * A model of which some units stay, in an order of their own: rows, columns or runs of them, such
 * as a head's. Others may be merged into those that stay. It is kept in a small file {@code
 * NAME.units.json} and opened like any model; its files are reached under {@code
 * units:/FILE!/NAME}: the storage of that scheme shows an ordinary model directory whose weights
 * are gathered as they are read.
 *
 * @param model the path of the directory or file that the units are of
 * @param config numbers of {@code config.json} that differ, by JSON pointer
 * @param orders by a name of theirs, the units that stay, in their new order; none twice
 * @param merged by the name of an order and a unit that stays, the units that are merged into it
 * @param parts what is gathered, by tensor; all other tensors are as they were
 */
public record UnitSelection(
    String model,
    Map<String, Integer> config,
    Map<String, List<Integer>> orders,
    Map<String, Map<Integer, List<Integer>>> merged,
    Map<String, Part> parts) {

  /** The scheme of virtual files. */
  public static final String SCHEME = "units";

  /** How the name of such a file ends. */
  public static final String SUFFIX = ".units.json";

  private static final String VERSION = "weightloom_units";
  private static final int VERSION_NUMBER = 1;
  private static final String MERGED = "merged";
  private static final char END = '!';
  private static final int LIMIT = 1 << 30;

  /** What of a tensor becomes of units that are merged, the one that stays among them. */
  public enum Merging {
    /** What stays is as it was. */
    NONE,
    /** The mean of all. */
    MEAN,
    /** The sum of all. */
    SUM
  }

  /**
   * How the units of a tensor lie.
   *
   * @param dim the dimension along which they lie, from 0
   * @param units how many the model has; the dimension is a multiple of it
   * @param order the name of those that stay
   * @param merging what becomes of those that are merged
   */
  public record Part(int dim, int units, String order, Merging merging) {

    /** Units of which none is merged. */
    public Part(int dim, int units, String order) {
      this(dim, units, order, Merging.NONE);
    }
  }

  /**
   * A virtual path in two.
   *
   * @param selection the path of the file of units
   * @param file the name of a file in the model; empty for the directory
   */
  public record Path(String selection, String file) {}

  public UnitSelection {
    config = Collections.unmodifiableMap(new LinkedHashMap<>(config));
    orders = Collections.unmodifiableMap(new LinkedHashMap<>(orders));
    merged = Collections.unmodifiableMap(new LinkedHashMap<>(merged));
    parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /** Units of which none is merged. */
  public UnitSelection(
      String model,
      Map<String, Integer> config,
      Map<String, List<Integer>> orders,
      Map<String, Part> parts) {
    this(model, config, orders, Map.of(), parts);
  }

  /** The units that stay of a tensor, in their order. */
  public List<Integer> order(Part part) {
    return orders.getOrDefault(part.order, List.of());
  }

  /** What is merged of a tensor, by the unit that stays. */
  public Map<Integer, List<Integer>> merged(Part part) {
    return part.merging == Merging.NONE ? Map.of() : merged.getOrDefault(part.order, Map.of());
  }

  /** The virtual directory of a file of units. */
  public static String virtual(Storage storage, String path) {
    return SCHEME
        + ":/"
        + BlockTables.absolute(storage, path).replace("%", "%25").replace("!", "%21")
        + END;
  }

  /** The parts of a virtual path of {@link #SCHEME}. */
  public static Path ofPath(String path) {
    String inner = path.substring(path.indexOf(":/") + 2);
    int end = inner.indexOf(END);
    if (end < 0) {
      throw WeightloomException.usage(
          "Cannot open model %s: no %s ends its directory (name the file *%s)"
              .formatted(path, END, SUFFIX));
    }
    return new Path(
        inner.substring(0, end).replace("%21", "!").replace("%25", "%"),
        inner.substring(end + 1).replaceFirst("^/+", ""));
  }

  /**
   * Reads a file of units.
   *
   * @throws WeightloomException of kind INPUT if it is none, or says what cannot be
   */
  public static UnitSelection read(String path) {
    ObjectNode json = JsonText.object(path, Storage.of(path).readAll(path, LIMIT));
    if (json.path(VERSION).asInt() != VERSION_NUMBER || !json.path("model").isTextual()) {
      throw refused(path, "it has no %s: %d and no model".formatted(VERSION, VERSION_NUMBER));
    }
    Map<String, Integer> config = new LinkedHashMap<>();
    json.path("config").properties().forEach(e -> config.put(e.getKey(), e.getValue().asInt()));
    Map<String, List<Integer>> orders = new LinkedHashMap<>();
    json.path("orders").properties().forEach(e -> orders.put(e.getKey(), units(e.getValue())));
    Map<String, Map<Integer, List<Integer>>> merged = new LinkedHashMap<>();
    json.path(MERGED)
        .properties()
        .forEach(
            e -> {
              Map<Integer, List<Integer>> into = new TreeMap<>();
              e.getValue()
                  .properties()
                  .forEach(u -> into.put(unit(path, u.getKey()), units(u.getValue())));
              merged.put(e.getKey(), into);
            });
    Map<String, Part> parts = new LinkedHashMap<>();
    json.path("tensors")
        .properties()
        .forEach(e -> parts.put(e.getKey(), part(path, e.getKey(), e.getValue())));
    UnitSelection read =
        new UnitSelection(json.path("model").asText(), config, orders, merged, parts);
    parts.forEach((tensor, part) -> read.check(path, tensor, part));
    return read;
  }

  private static List<Integer> units(JsonNode json) {
    List<Integer> units = new ArrayList<>();
    json.forEach(unit -> units.add(unit.asInt(-1)));
    return units;
  }

  private static int unit(String path, String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw refused(path, "units are merged into %s, which is no number".formatted(text));
    }
  }

  private static Part part(String path, String tensor, JsonNode json) {
    String merging = json.path(MERGED).asText(Merging.NONE.name().toLowerCase(Locale.ROOT));
    for (Merging known : Merging.values()) {
      if (known.name().toLowerCase(Locale.ROOT).equals(merging)) {
        return new Part(
            json.path("dim").asInt(-1),
            json.path("units").asInt(),
            json.path("order").asText(),
            known);
      }
    }
    throw refused(path, "it merges units of %s by %s, not mean or sum".formatted(tensor, merging));
  }

  private void check(String path, String tensor, Part part) {
    BitSet seen = new BitSet();
    add(path, tensor, part, order(part), seen);
    if (seen.isEmpty() || part.dim < 0) {
      throw refused(path, "it does not say which units of %s stay".formatted(tensor));
    }
    BitSet stay = (BitSet) seen.clone();
    merged(part)
        .forEach(
            (unit, others) -> {
              if (unit < 0 || !stay.get(unit)) {
                throw refused(
                    path, "unit %d of %s has others merged and goes".formatted(unit, tensor));
              }
              add(path, tensor, part, others, seen);
            });
  }

  private static void add(String path, String tensor, Part part, List<Integer> units, BitSet seen) {
    for (int unit : units) {
      if (unit < 0 || unit >= part.units || seen.get(unit)) {
        throw refused(
            path,
            "%s keeps unit %d of %d, which is %s"
                .formatted(
                    tensor,
                    unit,
                    part.units,
                    seen.get(Math.max(0, unit)) ? "twice there" : "none"));
      }
      seen.set(unit);
    }
  }

  private static WeightloomException refused(String path, String why) {
    return WeightloomException.input(
        "Cannot read the units of %s: %s (make the file again by weightloom prune)"
            .formatted(path, why));
  }

  /** The file. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put(VERSION, VERSION_NUMBER).put("model", model);
    ObjectNode numbers = json.putObject("config");
    config.forEach(numbers::put);
    ObjectNode lists = json.putObject("orders");
    orders.forEach(
        (name, order) -> {
          ArrayNode list = lists.putArray(name);
          order.forEach(list::add);
        });
    if (!merged.isEmpty()) {
      ObjectNode groups = json.putObject(MERGED);
      merged.forEach(
          (name, into) -> {
            ObjectNode group = groups.putObject(name);
            into.forEach((unit, others) -> others.forEach(group.putArray("" + unit)::add));
          });
    }
    ObjectNode tensors = json.putObject("tensors");
    parts.forEach(
        (name, part) -> {
          ObjectNode tensor =
              tensors
                  .putObject(name)
                  .put("dim", part.dim)
                  .put("units", part.units)
                  .put("order", part.order);
          if (part.merging != Merging.NONE) {
            tensor.put(MERGED, part.merging.name().toLowerCase(Locale.ROOT));
          }
        });
    return json;
  }

  /** Rewrites the numbers of a config that differ. */
  public void rewrite(ObjectNode of) {
    config.forEach(
        (pointer, value) -> {
          JsonPointer at = JsonPointer.compile(pointer);
          if (of.at(at.head()) instanceof ObjectNode parent) {
            parent.put(at.last().getMatchingProperty(), value);
          }
        });
  }
}
