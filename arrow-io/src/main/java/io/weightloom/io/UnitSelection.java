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
import java.util.Map;

/**
 * A model of which some units stay, in an order of their own: rows, columns or runs of them, such
 * as a head's. It is kept in a small file {@code NAME.units.json} and opened like any model; its
 * files are reached under {@code units:/FILE!/NAME}: the storage of that scheme shows an ordinary
 * model directory whose weights are gathered as they are read.
 *
 * @param model the path of the directory or file that the units are of
 * @param config numbers of {@code config.json} that differ, by JSON pointer
 * @param orders by a name of theirs, the units that stay, in their new order; none twice
 * @param parts what is gathered, by tensor; all other tensors are as they were
 */
public record UnitSelection(
    String model,
    Map<String, Integer> config,
    Map<String, List<Integer>> orders,
    Map<String, Part> parts) {

  /** The scheme of virtual files. */
  public static final String SCHEME = "units";

  /** How the name of such a file ends. */
  public static final String SUFFIX = ".units.json";

  private static final String VERSION = "weightloom_units";
  private static final int VERSION_NUMBER = 1;
  private static final char END = '!';
  private static final int LIMIT = 1 << 30;

  /**
   * How the units of a tensor lie.
   *
   * @param dim the dimension along which they lie, from 0
   * @param units how many the model has; the dimension is a multiple of it
   * @param order the name of those that stay
   */
  public record Part(int dim, int units, String order) {}

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
    parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
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
    json.path("orders")
        .properties()
        .forEach(
            e -> {
              List<Integer> order = new ArrayList<>();
              e.getValue().forEach(unit -> order.add(unit.asInt(-1)));
              orders.put(e.getKey(), order);
            });
    Map<String, Part> parts = new LinkedHashMap<>();
    json.path("tensors")
        .properties()
        .forEach(e -> parts.put(e.getKey(), part(path, e.getKey(), e.getValue(), orders)));
    return new UnitSelection(json.path("model").asText(), config, orders, parts);
  }

  private static Part part(
      String path, String tensor, JsonNode json, Map<String, List<Integer>> orders) {
    Part part =
        new Part(
            json.path("dim").asInt(-1), json.path("units").asInt(), json.path("order").asText());
    List<Integer> order = orders.getOrDefault(part.order, List.of());
    BitSet seen = new BitSet();
    for (int unit : order) {
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
    if (order.isEmpty() || part.dim < 0) {
      throw refused(path, "it does not say which units of %s stay".formatted(tensor));
    }
    return part;
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
    ObjectNode tensors = json.putObject("tensors");
    parts.forEach(
        (name, part) ->
            tensors
                .putObject(name)
                .put("dim", part.dim)
                .put("units", part.units)
                .put("order", part.order));
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
