"""The recipes of the golden data: name to (recipe text, rule, options of mergekit-yaml). A library.

{ZOO} stands for the directory of the checkpoints; {S} in the texts below for one family, as `{ZOO}/odd-bf16`.
"""
CASES = {}


def case(name, family, rule, text, *options):
    CASES[name] = (text.strip().replace("{S}", "{ZOO}/" + family) + "\n", rule, list(options))


def listed(*parameters, start=1):
    return "models:\n" + "".join(f"  - model: {{S}}/ft{i}\n" + (f"    parameters: {p}\n" if p else "")
                                 for i, p in enumerate(parameters, start))


BASE = "base_model: {S}/base\n"
LINEAR = listed("{weight: 0.279}", "{weight: 0.468}", "{weight: 0.81}")

# linear -------------------------------------------------------------------------------------------------------------------
for short, long, rule in (("f32", "float32", "bits"), ("bf16", "bfloat16", "bits"), ("f16", "float16", "bits")):
    case(f"linear-{short}", f"odd-{short}", rule, f"merge_method: linear\n{LINEAR}dtype: {long}")
    case(f"linear-raw-{short}", f"odd-{short}", rule, "merge_method: linear\n" + listed(
        "{weight: 0.279}", "{weight: -0.22}", "{weight: 0.81}") + f"parameters: {{normalize: false}}\ndtype: {long}")
case("linear-zero-weight-bf16", "deep-bf16", "bits", "merge_method: linear\n" + listed(
    "{weight: 0}", "{weight: 0.55}", "{weight: 0.3}") + "dtype: bfloat16")
case("linear-negative-bf16", "odd-bf16", "bits", "merge_method: linear\n" + listed(
    "{weight: 1.3}", "{weight: -0.4}", "{weight: 0.27}") + "dtype: bfloat16")
case("linear-wide-bf16", "odd-bf16", "bits", f"merge_method: linear\n{LINEAR}dtype: float32\nout_dtype: bfloat16")
case("linear-narrow-f32", "odd-f32", "bits", f"merge_method: linear\n{LINEAR}dtype: bfloat16")
case("linear-across-bf16", "odd-bf16", "bits", f"merge_method: linear\n{LINEAR}dtype: float16")
case("linear-native-bf16", "deep-bf16", "bits", f"merge_method: linear\nbase_model: {{S}}/ft1\n{LINEAR}")
case("linear-native-mixed", "", "bits", """
merge_method: linear
base_model: {ZOO}/odd-bf16/ft1
models:
  - model: {ZOO}/odd-bf16/ft1
    parameters: {weight: 0.3}
  - model: {ZOO}/odd-f16/ft2
    parameters: {weight: 0.7}
""")
# From five models on torch adds in an order of its own, other in the last few elements than before.
case("linear-ten-models-f32", "", "rel 2e-6", "merge_method: linear\nmodels:\n" + "".join(
    f"  - model: {{ZOO}}/odd-{m}\n    parameters: {{weight: {w}}}\n" for m, w in (
        ("f32/base", 0.11), ("f32/ft1", 0.23), ("f32/ft2", -0.37), ("f32/ft3", 0.41), ("f16/base", 0.53), ("f16/ft1", 0.07),
        ("f16/ft2", 0.91), ("f16/ft3", -0.13), ("bf16/ft1", 0.29), ("bf16/ft2", 0.31))) + "dtype: float32")
case("linear-coercion-bf16", "deep-bf16", "bits", """
merge_method: linear
models:
  - model: {S}/ft1
    parameters: {weight: "0.3"}
  - model: {S}/ft2
    parameters: {weight: [{filter: mlp, value: "0.7"}]}
parameters: {weight: 1, normalize: 1}
dtype: bfloat16
""")
case("linear-one-model-bf16", "deep-bf16", "bits", "merge_method: linear\n" + listed("{weight: 0.3}") + "dtype: bfloat16")
case("linear-gradient-bf16", "deep-bf16", "bits", "merge_method: linear\n" + listed(
    "{weight: [0.1, 0.9]}", "{weight: [0.5, 0.2, 0.7]}", "{weight: [0, 0.3, 0.31, 0.8, 1]}") + "dtype: bfloat16")
case("linear-filters-bf16", "deep-bf16", "bits", """
merge_method: linear
models:
  - model: {S}/ft1
    parameters:
      weight:
        - filter: self_attn
          value: [0.1, 0.9, 0.2]
        - filter: mlp
          value: 0.3
        - value: 0.6
  - model: {S}/ft2
    parameters:
      weight:
        - {filter: layers.1., value: 0.15}
        - {filter: "*", value: 0.45}
parameters:
  normalize:
    - {filter: down_proj, value: false}
    - {value: true}
dtype: bfloat16
""")

# task_arithmetic ----------------------------------------------------------------------------------------------------------
TA = "merge_method: task_arithmetic\n" + BASE
SIGNED = listed("{weight: 0.63}", "{weight: 0.27}", "{weight: -0.4}")
for short, long, rule in (("f32", "float32", "bits"), ("bf16", "bfloat16", "bits"), ("f16", "float16", "bits")):
    case(f"task_arithmetic-{short}", f"odd-{short}", rule, f"{TA}{SIGNED}parameters: {{lambda: 0.72}}\ndtype: {long}")
case("task_arithmetic-plain-bf16", "odd-bf16", "bits", f"{TA}{SIGNED}dtype: bfloat16")
case("task_arithmetic-normalize-bf16", "odd-bf16", "bits", TA + listed(
    "{weight: 0.63}", "{weight: 0.27}", "{weight: 0.4}") + "parameters: {normalize: true, lambda: 1.3}\ndtype: bfloat16")
case("task_arithmetic-normalize-f16", "odd-f16", "bits", TA + listed(
    "{weight: 0.63}", "{weight: 0.27}", "{weight: 0.4}") + "parameters: {normalize: true, lambda: 1.3}\ndtype: float16")
case("task_arithmetic-cancel-bf16", "deep-bf16", "bits", TA + listed(
    "{weight: 0.5}", "{weight: -0.5}") + "parameters: {normalize: true}\ndtype: bfloat16")
case("task_arithmetic-base-listed-bf16", "deep-bf16", "bits", """
merge_method: task_arithmetic
base_model: {S}/base
models:
  - model: {S}/base
  - model: {S}/ft1
    parameters: {weight: 0.8}
  - model: {S}/ft3
    parameters: {weight: 0.35}
parameters: {int8_mask: true}
dtype: bfloat16
""")
case("task_arithmetic-native-mixed", "", "bits", """
merge_method: task_arithmetic
base_model: {ZOO}/odd-bf16/base
models:
  - model: {ZOO}/odd-f32/ft1
    parameters: {weight: 0.63}
  - model: {ZOO}/odd-f16/ft2
    parameters: {weight: 0.27}
""")
case("task_arithmetic-out-f16", "odd-bf16", "bits", f"{TA}{SIGNED}dtype: float32\nout_dtype: float16")
case("task_arithmetic-gradient-bf16", "deep-bf16", "bits", TA + listed(
    "{weight: [0.2, 1.0]}", "{weight: [0.9, 0.1, 0.4]}", "{weight: [0, 0.3, 0.31, 0.8, 1]}")
    + "parameters: {lambda: [0.7, 1.1]}\ndtype: bfloat16")
case("task_arithmetic-gradient-f32", "deep-f32", "bits", TA + listed(
    "{weight: [0.2, 1.0]}", "{weight: [0.9, 0.1, 0.4]}", "{weight: [0, 0.3, 0.31, 0.8, 1]}") + "dtype: float32")
case("task_arithmetic-precedence-bf16", "deep-bf16", "bits", """
merge_method: task_arithmetic
base_model: {S}/base
models:
  - model: {S}/ft1
  - model: {S}/ft2
    parameters:
      weight: 0.3
  - model: {S}/ft3
    parameters:
      weight:
        - {filter: q_proj, value: 0.9}
parameters:
  weight: 0.55
  lambda:
    - {filter: mlp, value: 0.8}
    - {filter: down_proj, value: 0.1}
    - {value: 1.0}
dtype: bfloat16
""")

# ties ---------------------------------------------------------------------------------------------------------------------
TIES = "merge_method: ties\n" + BASE


def density(value):
    """A density that leaves alone the one-element norms, which mergekit cannot prune, and the tensors of equal magnitudes."""
    return f"[{{filter: post_attention, value: 1.0}}, {{filter: v_proj, value: 1.0}}, {{value: {value}}}]"


def rows(value):
    """A density that leaves alone the one-element norms: of a row of one element mergekit's DELLA divides 0 by 0."""
    return f"[{{filter: post_attention, value: 1.0}}, {{value: {value}}}]"


# 0.29 and 0.57 of 100 elements: the float64 products fall just short of 29 and 57, and mergekit keeps 28 and 56.
PRUNED = listed(f"{{weight: 0.9, density: {density(0.18)}}}", f"{{weight: 0.54, density: {density(0.29)}}}",
                f"{{weight: 0.27, density: {density(0.57)}}}")
FULL = listed("{weight: 0.9}", "{weight: 0.54}", "{weight: 0.27}")
TIED = listed(*(f"{{weight: {w}, density: [{{filter: post_attention, value: 1.0}}, {{value: {d}}}]}}"
                for w, d in ((0.9, 0.3), (0.54, 0.5), (0.27, 0.7))))
case("ties-f32", "odd-f32", "bits", f"{TIES}{PRUNED}dtype: float32")
case("ties-bf16", "odd-bf16", "most 0", f"{TIES}{PRUNED}dtype: bfloat16")
case("ties-f16", "odd-f16", "most 0", f"{TIES}{PRUNED}dtype: float16")
case("ties-wide-bf16", "odd-bf16", "most 0", f"{TIES}{PRUNED}dtype: float32\nout_dtype: bfloat16")
case("ties-tied-f32", "odd-f32", "most 0", f"{TIES}{TIED}dtype: float32")
for short, long, rule in (("f32", "float32", "bits"), ("bf16", "bfloat16", "bits"), ("f16", "float16", "bits")):
    case(f"ties-full-{short}", f"odd-{short}", rule, f"{TIES}{FULL}dtype: {long}")
case("ties-zero-sum-bf16", "deep-bf16", "bits", TIES + listed("{weight: 0.5}", "{weight: 0.5}") + "dtype: bfloat16")
case("ties-int8-lambda-bf16", "deep-bf16", "bits", f"{TIES}{FULL}parameters: {{int8_mask: true, lambda: 1.3}}\ndtype: bfloat16")
case("ties-raw-bf16", "odd-bf16", "bits", TIES + listed(
    "{weight: 0.9}", "{weight: -0.54}", "{weight: 0.27}") + "parameters: {normalize: false}\ndtype: bfloat16")
case("ties-negative-f32", "odd-f32", "bits", TIES + listed(
    "{weight: 0.9}", "{weight: -0.54}", "{weight: 0.27}") + "parameters: {normalize: false, lambda: 0.9}\ndtype: float32")
case("ties-rescale-f32", "odd-f32", "rel 2e-6", f"{TIES}{PRUNED}parameters: {{rescale: true, lambda: 0.8}}\ndtype: float32")
case("ties-rescale-bf16", "odd-bf16", "most 0", f"{TIES}{PRUNED}parameters: {{rescale: true}}\ndtype: bfloat16")
case("ties-rescale-f16", "odd-f16", "most 0", f"{TIES}{PRUNED}parameters: {{rescale: true}}\ndtype: float16")
case("ties-cancel-bf16", "deep-bf16", "bits", TIES + listed("{weight: 0.5}", "{weight: -0.5}") + "dtype: bfloat16")
case("ties-base-listed-f32", "deep-f32", "bits", TIES + "models:\n  - model: {S}/base\n"
     + PRUNED.removeprefix("models:\n") + "dtype: float32")
case("ties-gradient-f32", "deep-f32", "bits", TIES + listed(
    f"{{weight: 0.8, density: {density('[0.9, 0.3]')}}}", f"{{weight: [0.3, 1, 0.4], density: {density('[1, 0.7, 0.5, 0.3, 0.2]')}}}")
    + "dtype: float32")
case("ties-top-level-f32", "deep-f32", "bits", TIES + listed("", "", "{weight: 0.4}")
     + f"parameters: {{weight: 0.7, density: {density(0.5)}}}\ndtype: float32")

# dare_linear and dare_ties ------------------------------------------------------------------------------------------------
for method in ("dare_linear", "dare_ties"):
    head = f"merge_method: {method}\n{BASE}"
    case(f"{method}-full-bf16", "odd-bf16", "bits", f"{head}{FULL}dtype: bfloat16")
    case(f"{method}-full-f32", "deep-f32", "bits", f"{head}{SIGNED}parameters: {{lambda: 0.9}}\ndtype: float32")
    case(f"{method}-random", "odd-f32", "random 0.36", head + listed(
        "{weight: 0.9, density: 0.36}") + "dtype: float32", "--random-seed", "7")
case("dare_linear-random-raw", "odd-f32", "random 0.6", "merge_method: dare_linear\n" + BASE + listed(
    "{weight: 1.1, density: 0.6}", start=2) + "parameters: {rescale: false}\ndtype: float32", "--random-seed", "7")
case("dare_ties-random-bf16", "odd-bf16", "random 0.4", "merge_method: dare_ties\n" + BASE + listed(
    "{weight: 1.0, density: 0.4}", start=3) + "dtype: bfloat16", "--random-seed", "7")
case("dare_ties-normalize-bf16", "deep-bf16", "bits", "merge_method: dare_ties\n" + BASE + FULL
     + "parameters: {normalize: true}\ndtype: bfloat16")

# breadcrumbs and breadcrumbs_ties -----------------------------------------------------------------------------------------
# Of tensors of fewer than 1/gamma elements mergekit loses the task vector: so it does here.
for method in ("breadcrumbs", "breadcrumbs_ties"):
    head = f"merge_method: {method}\n{BASE}"
    case(f"{method}-f32", "odd-f32", "bits", head + listed(
        f"{{weight: 0.9, density: {density(0.18)}, gamma: 0.05}}", f"{{weight: 0.54, density: {density(0.57)}, gamma: 0.02}}",
        f"{{weight: 0.27, density: {density(0.9)}, gamma: 0.3}}") + "dtype: float32")
    case(f"{method}-default-f32", "odd-f32", "bits", head + listed(
        f"{{weight: 0.9, density: {density(0.5)}}}", f"{{weight: 0.4, density: {density(0.4)}}}")
        + "parameters: {normalize: true, lambda: 0.8}\ndtype: float32")
    case(f"{method}-full-bf16", "odd-bf16", "bits", f"{head}{FULL}dtype: bfloat16")
    case(f"{method}-rescale-f32", "odd-f32", "rel 2e-6", head + listed(
        f"{{weight: 0.9, density: {density(0.3)}, gamma: 0.1}}", f"{{weight: 0.4, density: {density(0.6)}, gamma: 0.1}}")
        + "parameters: {rescale: true}\ndtype: float32")

# della and della_linear ---------------------------------------------------------------------------------------------------
for method in ("della", "della_linear"):
    head = f"merge_method: {method}\n{BASE}"
    case(f"{method}-full-bf16", "odd-bf16", "bits", f"{head}{FULL}dtype: bfloat16")
    case(f"{method}-full-f32", "deep-f32", "bits", f"{head}{FULL}parameters: {{lambda: 0.9}}\ndtype: float32")
    case(f"{method}-random", "odd-f32", "random 0.36", head + listed(
        f"{{weight: 0.9, density: {rows(0.36)}, epsilon: 0.1}}") + "dtype: float32", "--random-seed", "7")

# nearswap, sce ------------------------------------------------------------------------------------------------------------
for short, long in (("f32", "float32"), ("bf16", "bfloat16"), ("f16", "float16")):
    case(f"nearswap-{short}", f"odd-{short}", "rel 2e-6" if short == "f32" else "bits", "merge_method: nearswap\n" + BASE + listed(
        "", start=2) + f"parameters: {{t: 0.004}}\ndtype: {long}")
case("sce-f32", "odd-f32", "rel 2e-6", "merge_method: sce\n" + BASE + listed("", "", "") + "dtype: float32")
case("sce-select-f32", "deep-f32", "rel 2e-6", "merge_method: sce\n" + BASE + listed(
    "", "", "") + "parameters: {select_topk: [{filter: v_proj, value: 1.0}, {value: 0.3}]}\ndtype: float32")

# passthrough --------------------------------------------------------------------------------------------------------------
case("passthrough-scale-bf16", "odd-bf16", "bits", """
merge_method: passthrough
models:
  - model: {S}/ft1
    parameters:
      scale:
        - {filter: o_proj, value: 0.3}
        - {filter: down_proj, value: 0}
        - {value: 1.7}
dtype: bfloat16
""")
case("passthrough-cast-f32", "deep-f32", "bits", "merge_method: passthrough\nmodels:\n  - model: {S}/ft2\ndtype: float16")
case("passthrough-native-f16", "odd-f16", "bits", "merge_method: passthrough\nmodels:\n  - model: {S}/ft2\n")
case("passthrough-stack-bf16", "deep-bf16", "bits", """
merge_method: passthrough
slices:
  - sources:
      - model: {S}/ft1
        layer_range: [0, 3]
  - sources:
      - model: {S}/ft2
        layer_range: [1, 4]
dtype: bfloat16
""")
case("passthrough-self-stack-bf16", "deep-bf16", "bits", """
merge_method: passthrough
slices:
  - sources:
      - model: {S}/ft1
        layer_range: [0, 2]
  - sources:
      - model: {S}/ft1
        layer_range: [1, 3]
        parameters:
          scale:
            - {filter: o_proj, value: 0.0}
            - {filter: down_proj, value: 0.0}
            - {value: 1.0}
  - sources:
      - model: {S}/ft1
        layer_range: [2, 4]
dtype: bfloat16
""", "--clone-tensors")

# slices of merging methods ------------------------------------------------------------------------------------------------
case("slices-linear-bf16", "deep-bf16", "bits", """
merge_method: linear
slices:
  - sources:
      - model: {S}/ft1
        layer_range: [0, 2]
        parameters: {weight: 0.3}
      - model: {S}/ft2
        layer_range: [0, 2]
        parameters: {weight: 0.6}
  - sources:
      - model: {S}/ft3
        layer_range: [1, 4]
        parameters: {weight: [0.2, 0.9]}
      - model: {S}/base
        layer_range: [1, 4]
        parameters: {weight: 0.45}
dtype: bfloat16
""")
case("slices-linear-parameters-f32", "deep-f32", "bits", """
merge_method: linear
slices:
  - sources:
      - {model: "{S}/ft1", layer_range: [0, 2], parameters: {weight: 0.3}}
      - {model: "{S}/ft2", layer_range: [0, 2]}
    parameters: {weight: 0.8, normalize: false}
  - sources:
      - {model: "{S}/ft1", layer_range: [2, 4]}
      - {model: "{S}/ft2", layer_range: [2, 4], parameters: {weight: [1, 0.2]}}
parameters: {weight: 0.5}
dtype: float32
""")
case("slices-linear-offset-f32", "deep-f32", "bits", """
merge_method: linear
slices:
  - sources:
      - model: {S}/ft1
        layer_range: [0, 2]
        parameters:
          weight: [{filter: layers.1., value: 0.9}, {filter: layers.3., value: 0.2}, {value: 0.4}]
      - model: {S}/ft2
        layer_range: [2, 4]
        parameters:
          weight: [{filter: layers.1., value: 0.7}, {filter: layers.3., value: 0.1}, {value: 0.6}]
  - sources:
      - model: {S}/ft1
        layer_range: [1, 3]
        parameters: {weight: 1.0}
      - model: {S}/ft3
        layer_range: [0, 2]
        parameters: {weight: 0.5}
parameters:
  normalize: [{filter: layers.0., value: false}, {filter: layers.3., value: false}, {value: true}]
dtype: float32
""")
case("slices-task_arithmetic-f32", "deep-f32", "bits", """
merge_method: task_arithmetic
base_model: {S}/base
slices:
  - sources:
      - {model: "{S}/base", layer_range: [0, 1]}
      - {model: "{S}/ft1", layer_range: [0, 1], parameters: {weight: [0.2, 0.9]}}
  - sources:
      - {model: "{S}/base", layer_range: [1, 4]}
      - {model: "{S}/ft2", layer_range: [1, 4], parameters: {weight: [0.2, 0.9]}}
    parameters: {lambda: 0.7}
dtype: float32
""")
case("slices-ties-f32", "deep-f32", "bits", """
merge_method: ties
base_model: {S}/base
slices:
  - sources:
      - {model: "{S}/base", layer_range: [0, 2]}
      - {model: "{S}/ft1", layer_range: [0, 2], parameters: {weight: 0.9, density: DENSITY_A}}
      - {model: "{S}/ft2", layer_range: [0, 2], parameters: {weight: 0.4}}
    parameters: {normalize: false}
  - sources:
      - {model: "{S}/base", layer_range: [2, 4]}
      - {model: "{S}/ft3", layer_range: [2, 4], parameters: {weight: [0.3, 0.8]}}
      - {model: "{S}/ft1", layer_range: [2, 4], parameters: {weight: 0.5, density: DENSITY_B}}
    parameters: {lambda: 0.6}
dtype: float32
""".replace("DENSITY_A", density(0.4)).replace("DENSITY_B", density("[0.9, 0.5]")))

# slerp, nuslerp, multislerp, karcher, model_stock ---------------------------------------------------------------------------
TWO = listed("") + "  - model: {S}/ft2\n"
for short, long in (("f32", "float32"), ("bf16", "bfloat16"), ("f16", "float16")):
    exact = "rel 3e-6" if short == "f32" else "bits"
    case(f"slerp-{short}", f"odd-{short}", exact,
         f"merge_method: slerp\nbase_model: {{S}}/ft1\n{TWO}parameters: {{t: 0.315}}\ndtype: {long}")
    for name, parameters in (("", ""), ("-rows", "parameters: {filter_wise: true}\n")):
        case(f"model_stock{name}-{short}", f"odd-{short}", "rel 1e-5" if short == "f32" and name else exact,
             f"merge_method: model_stock\n{BASE}{listed('', '', '')}{parameters}dtype: {long}")
    # Sixteen bits round a norm's way through the iterations apart by a unit or two in the last place.
    case(f"karcher-{short}", f"odd-{short}", exact if short == "f32" else "rel 0.02",
         "merge_method: karcher\n" + listed("", "", "") + f"dtype: {long}")
    # In float16 mergekit's threshold for parallel vectors is rounded to zero, and they become NaN. In float32 opposite ones miss it,
    # as the task vectors of one element in `odd` are, and come out thousands of times too long; so would columns of `v_proj`.
    for name, base, parameters in (("", "", ""), ("-base", BASE, ""), ("-rows", "", "{nuslerp_flatten: false}"),
                                   ("-columns", BASE, "{nuslerp_flatten: false, nuslerp_row_wise: true}")) * (short != "f16"):
        family = "deep" if base and short == "f32" else "odd"
        if family == "deep":
            parameters = parameters.replace("nuslerp_flatten: false", "nuslerp_flatten: [{filter: v_proj, value: true}, {value: false}]")
        case(f"nuslerp{name}-{short}", f"{family}-{short}", exact, f"merge_method: nuslerp\n{base}" + listed(
            "{weight: 0.63}", "{weight: 0.36}") + (f"parameters: {parameters}\n" if parameters else "") + f"dtype: {long}")
case("slerp-template-bf16", "deep-bf16", "bits", """
merge_method: slerp
base_model: {S}/base
slices:
  - sources:
      - {model: "{S}/base", layer_range: [0, 4]}
      - {model: "{S}/ft1", layer_range: [0, 4]}
parameters:
  t:
    - filter: self_attn
      value: [0, 0.5, 0.3, 0.7, 1]
    - filter: mlp
      value: [1, 0.5, 0.7, 0.3, 0]
    - value: 0.5
dtype: bfloat16
""")
case("slerp-ends-f32", "deep-f32", "bits", "merge_method: slerp\nbase_model: {S}/ft2\n" + TWO
     + "parameters: {t: [{filter: mlp, value: 1}, {value: 0}]}\ndtype: float32")
case("nuslerp-cancel-f32", "deep-f32", "rel 3e-6", "merge_method: nuslerp\n" + listed(
    "{weight: 0.5}", "{weight: -0.5}") + "dtype: float32")
for name, base, parameters in (("", "", ""), ("-base", BASE, ""), ("-raw", BASE, "parameters: {normalize_weights: false}\n")):
    case(f"multislerp{name}-f32", "odd-f32", "rel 3e-6", f"merge_method: multislerp\n{base}" + listed(
        "{weight: 0.45}", "{weight: 0.27}", "{weight: 0.36}") + f"{parameters}dtype: float32")
    case(f"multislerp{name}-bf16", "odd-bf16", "bits", f"merge_method: multislerp\n{base}" + listed(
        "{weight: 0.45}", "{weight: 0.27}", "{weight: 0.36}") + f"{parameters}dtype: bfloat16")
case("karcher-base-f32", "deep-f32", "rel 3e-6", f"merge_method: karcher\n{BASE}" + listed("", "") + "dtype: float32")
case("karcher-settings-f32", "deep-f32", "rel 3e-6", "merge_method: karcher\n" + listed("", "", "")
     + "parameters: {max_iter: 2, tol: 1e-4}\ndtype: float32")
