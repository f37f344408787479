package io.weightloom.examples.zoo;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The zoo's networks by their directory's name: {@code base}, then each task's.
 *
 * @param models parameters as {@link Layout} places them
 */
record Zoo(Map<String, float[]> models) {
  static final String BASE = "base";

  /** Told of each network when it is trained. */
  @FunctionalInterface
  interface Witness {
    void trained(String name, float[] weights) throws IOException;
  }

  /** Trains all networks. */
  static Zoo train(Trainer.Budget budget, Witness witness) throws IOException {
    Trainer trainer = new Trainer(budget);
    Map<String, float[]> models = new LinkedHashMap<>();
    float[] base = trainer.base();
    models.put(BASE, base);
    witness.trained(BASE, base);
    for (Task task : Task.values()) {
      float[] tuned = trainer.tune(base, task);
      models.put(task.label(), tuned);
      witness.trained(task.label(), tuned);
    }
    return new Zoo(models);
  }

  /** Reads what {@link MakeZoo} has written. */
  static Zoo read(Path directory) throws IOException {
    Map<String, float[]> models = new LinkedHashMap<>();
    models.put(BASE, Checkpoint.read(directory.resolve(BASE)));
    for (Task task : Task.values()) {
      models.put(task.label(), Checkpoint.read(directory.resolve(task.label())));
    }
    return new Zoo(models);
  }

  float[] base() {
    return model(BASE);
  }

  float[] tuned(Task task) {
    return model(task.label());
  }

  private float[] model(String name) {
    float[] weights = models.get(name);
    if (weights == null) {
      throw new IllegalStateException("no model " + name + " in " + models.keySet());
    }
    return weights;
  }
}
