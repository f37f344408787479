package io.weightloom.cli;

import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelIdentity;
import io.weightloom.io.TensorLocation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model to look at beside others.
 *
 * @param name what results call it: its own name, or as the user wrote it if another has the same
 * @param tensors those that are wanted, by name
 */
record ModelToAnalyse(String name, Map<String, TensorLocation> tensors) {

  /** Opens models: reads their headers, and prints what was let pass. */
  static List<ModelToAnalyse> open(AnalysisOptions options, String doing, List<String> references) {
    List<ModelDir> dirs = references.stream().map(AnalysisOptions::open).toList();
    List<String> names = dirs.stream().map(d -> ModelIdentity.of(d.path()).name()).toList();
    List<ModelToAnalyse> models = new ArrayList<>();
    for (int i = 0; i < dirs.size(); i++) {
      boolean isAlone = Collections.frequency(names, names.get(i)) == 1;
      Map<String, TensorLocation> tensors = new LinkedHashMap<>();
      options
          .wanted(doing, references.get(i), dirs.get(i))
          .forEach(t -> tensors.put(t.spec().name(), t));
      dirs.get(i).warnings().forEach(w -> System.err.println("warning: " + w));
      models.add(new ModelToAnalyse(isAlone ? names.get(i) : references.get(i), tensors));
    }
    return models;
  }
}
