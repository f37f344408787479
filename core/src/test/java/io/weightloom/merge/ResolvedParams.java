package io.weightloom.merge;

import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec.Scope;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Parameters as the planner resolves them from a recipe without gradients and filters. */
final class ResolvedParams {
  private ResolvedParams() {}

  /** The values set, then those of the variant, then the method's; 1 where one is required. */
  static Params of(MethodSpec spec, String variant, Map<String, Object> values, int models) {
    Map<String, Object> defaults =
        spec.variants().stream()
            .filter(v -> v.name().equals(variant))
            .findFirst()
            .map(Variant::defaults)
            .orElse(Map.of());
    Map<String, Object> global = new HashMap<>();
    Map<String, List<Double>> perModel = new HashMap<>();
    for (ParamSpec param : spec.parameters()) {
      Object value =
          Optional.ofNullable(values.get(param.name()))
              .or(() -> Optional.ofNullable(defaults.get(param.name())))
              .or(param::defaultValue)
              .orElse(1.0);
      if (param.scope() == Scope.GLOBAL) {
        global.put(param.name(), value);
      } else if (value instanceof double[] each) {
        perModel.put(param.name(), Arrays.stream(each).boxed().toList());
      } else {
        perModel.put(param.name(), Collections.nCopies(models, (Double) value));
      }
    }
    return new Params(global, perModel);
  }
}
