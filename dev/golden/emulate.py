"""An independent numpy statement of what mergekit 0.1.4 computes, rounding by rounding. A library; needs numpy and PyYAML.

Every step works on fp32 values and then rounds to the dtype the step works in; README.md says the same in words.
"""
import json
from math import prod

import numpy as np
import yaml

import emulate_span
import zoo

DTYPE = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}
PRESETS = {  # consensus, sparsifier, default normalize, default rescale
    "task_arithmetic": (False, None, False, False), "ties": (True, "magnitude", True, False),
    "dare_linear": (False, "random", False, True), "dare_ties": (True, "random", False, True),
    "breadcrumbs": (False, "outliers", False, False), "breadcrumbs_ties": (True, "outliers", False, False),
    "della": (True, "ranked", True, True), "della_linear": (False, "ranked", False, True),
}


RANDOM = np.random.Generator(np.random.PCG64(11))


def rounded(x, dtype):
    """fp32 values rounded to nearest even in a dtype, as fp32 values."""
    with np.errstate(over="ignore"):
        return zoo.decode(zoo.encode(x, dtype), dtype, np.shape(x))


def f32(x):
    return np.float32(x)


def total(terms, dtype):
    """A sum over the models: fp32 from left to right, starting at positive zero, rounded once.

    torch does so up to four models; from five on its order depends on the position in the tensor.
    """
    out = np.zeros_like(terms[0])
    for t in terms:
        out = out + t
    return rounded(out, dtype)


# ---- the recipe ----------------------------------------------------------------------------------------------------------

def evaluate(value, name, x):
    """The value of a parameter for a tensor name at position x of its slice; None where no filter matches."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        for entry in value:
            if entry.get("filter") in (None, "*") or entry["filter"] in name:
                return evaluate(entry["value"], name, x)
        return None
    if isinstance(value, dict):
        return evaluate([value], name, x)
    if isinstance(value, list):
        at = x * (len(value) - 1)
        low = min(int(at), len(value) - 2) if len(value) > 1 else 0
        part = at - low
        return value[0] if len(value) == 1 else (1 - part) * value[low] + part * value[low + 1]
    return value


def lookup(parameter, name, x, levels, default=None):
    """The first level that has the parameter with a filter that matches."""
    for level in levels:
        if level and parameter in level:
            value = evaluate(level[parameter], name, x)
            if value is not None:
                return value
    return default


def slices(recipe, layers):
    """[(sources, slice parameters)] of either form; a source is {model, layer_range, parameters}."""
    if "slices" in recipe:
        out = [(s["sources"], s.get("parameters")) for s in recipe["slices"]]
    else:
        out = [([dict(m, layer_range=[0, layers]) for m in recipe["models"]], None)]
    base = recipe.get("base_model")
    for sources, _ in out:
        if base and base not in [s["model"] for s in sources]:
            sources.append({"model": base, "layer_range": sources[0]["layer_range"]})
    return out


def merge(recipe, load, layers):
    """Output tensor name to (dtype, shape, bytes, where mergekit's choice among tied magnitudes is undefined)."""
    cut = slices(recipe, layers)
    names = [n for n in load(cut[0][0][0]["model"]) if ".layers." not in n]
    out, layer = {}, 0
    for name in names:
        # What comes before the layers is of the first slice, what comes after of the last; both stand at position 0.
        sources, own = cut[0] if "embed" in name else cut[-1]
        out[name] = tensor(recipe, sources, own, load, lambda s, n=name: n, name, 0.0)
    inside = sorted(n.removeprefix("model.layers.0.") for n in load(cut[0][0][0]["model"]) if n.startswith("model.layers.0."))
    for sources, own in cut:
        start, end = sources[0]["layer_range"]
        for j in range(end - start):
            # A slice of one layer takes the last value of a gradient.
            x = j / (end - start - 1) if end - start > 1 else 1.0
            for n in inside:
                target = f"model.layers.{layer}.{n}"
                out[target] = tensor(recipe, sources, own, load,
                                     lambda s, n=n, j=j: f"model.layers.{s['layer_range'][0] + j}.{n}", target, x)
            layer += 1
    return out


def tensor(recipe, sources, own, load, source_name, target, x):
    levels = [own, recipe.get("parameters")]
    compute = DTYPE.get(recipe.get("dtype"))
    inputs = []
    for s in sources:
        name = source_name(s)
        dtype, shape, data = load(s["model"])[name]
        value = zoo.decode(data, dtype, shape)
        if compute:
            dtype, value = compute, rounded(value, compute)

        def parameter(p, default=None, s=s, name=name):
            return lookup(p, name, x, [s.get("parameters")] + levels, default)
        inputs.append((s["model"], dtype, value, parameter))

    def setting(p, default):
        return lookup(p, target, x, levels, default)
    method = recipe["merge_method"]
    if method == "linear":
        dtype, value, tied = *linear(inputs, setting), None
    elif method == "passthrough":
        dtype, value, tied = *passthrough(inputs), None
    elif method in emulate_span.METHODS:
        dtype, value, tied = *emulate_span.merge(method, recipe.get("base_model"), inputs, setting), None
    elif method in ("nearswap", "sce"):
        dtype, value, tied = *(nearswap if method == "nearswap" else sce)(recipe["base_model"], inputs, setting), None
    else:
        dtype, value, tied = task_arithmetic(method, recipe["base_model"], inputs, setting)
    dtype_out = DTYPE.get(recipe.get("out_dtype"), dtype)
    return dtype_out, value.shape, zoo.encode(value, dtype_out), np.zeros(value.shape, bool) if tied is None else tied


# ---- the methods ---------------------------------------------------------------------------------------------------------

def linear(inputs, setting):
    kinds = {d for _, d, _, _ in inputs}
    dtype = kinds.pop() if len(kinds) == 1 else "F32"
    w = [rounded(f32(p("weight")), dtype) for *_, p in inputs]
    y = total([rounded(wi * x, dtype) for wi, (_, _, x, _) in zip(w, inputs)], dtype)
    if setting("normalize", True):
        with np.errstate(divide="ignore", invalid="ignore"):
            y = rounded(y / total(w, dtype), dtype)
    return dtype, y


def passthrough(inputs):
    (_, dtype, x, parameter), = inputs
    scale = parameter("scale")
    return dtype, x if scale is None else rounded(x * f32(scale), dtype)


def keep_largest(delta, density):
    """The mask of the int(density * n) largest magnitudes, of equal ones those with the lowest index; and where that is a choice."""
    magnitude, k = np.abs(delta.ravel()), int(density * delta.size)
    order = np.argsort(-magnitude, kind="stable")
    mask = np.zeros(delta.size, bool)
    mask[order[:k]] = True
    edge = magnitude == magnitude[order[k - 1]]
    tied = edge & ((magnitude >= magnitude[order[k - 1]]).sum() > k)
    return mask.reshape(delta.shape), tied.reshape(delta.shape)


def keep_middle(delta, density, gamma):
    """The mask of the int(density * n) magnitudes below the int(gamma * n) largest; empty where these are none (a slice of mergekit's
    ends at position -0)."""
    n = delta.size
    target, top = int(density * n), int(gamma * n)
    bottom = n - target - top
    if bottom < 0:
        bottom, top = 0, top + bottom
    mask = np.zeros(n, bool)
    if top:
        mask[np.argsort(np.abs(delta.ravel()), kind="stable")[bottom:n - top]] = True
    return mask.reshape(delta.shape)


def keep_ranked(delta, density, epsilon):
    """A random mask: the larger a magnitude is in its row, the likelier it is kept."""
    row = delta.reshape(-1, delta.shape[-1])
    rank = np.argsort(np.argsort(np.abs(row), axis=1, kind="stable"), axis=1)
    p = density - epsilon + 2 * epsilon * rank / (row.shape[1] - 1)
    return (RANDOM.random(row.shape) < p).reshape(delta.shape)


def nearswap(base_model, inputs, setting):
    (_, dtype, a, _), = [i for i in inputs if i[0] == base_model]
    b, = [rounded(x, dtype) for m, _, x, _ in inputs if m != base_model]
    near = np.maximum(np.abs(rounded(a - b, dtype)), rounded(f32(1e-6), dtype))
    # A number over a tensor is its reciprocal, rounded, times the number.
    w = np.clip(rounded(rounded(1 / near, dtype) * f32(setting("t", None)), dtype), 0, 1).astype(np.float32)
    rest = rounded(1 - w, dtype)
    return dtype, rounded(rounded(w * b, dtype) + rounded(rest * a, dtype), dtype)


def sce(base_model, inputs, setting):
    (_, dtype, base, _), = [i for i in inputs if i[0] == base_model]
    deltas = [rounded(rounded(x, dtype) - base, dtype) for m, _, x, _ in inputs if m != base_model]
    share = setting("select_topk", 1.0)
    if share < 1:
        variance = rounded(np.var(np.stack(deltas).astype(np.float64), axis=0).astype(np.float32), dtype).ravel()
        k = int((variance != 0).sum() * share)
        mask = np.zeros(variance.size, bool)
        mask[np.argsort(-variance, kind="stable")[:k]] = True
        deltas = [np.where(mask.reshape(base.shape), d, f32(0)) for d in deltas]
    means = [rounded(f32(np.mean(np.square(d.astype(np.float64)))), dtype) for d in deltas]
    norm = total(means, dtype)
    w = [f32(1 / len(means)) if norm < 1e-6 else rounded(m / norm, dtype) for m in means]
    major = np.where(total(deltas, dtype) >= 0, 1, -1)
    agree = [np.sign(d) == major for d in deltas]
    mixed = total([np.where(a, rounded(x * d, dtype), f32(0)) for a, x, d in zip(agree, w, deltas)], dtype)
    divisor = total([np.where(a, x, f32(0)) for a, x in zip(agree, w)], dtype)
    return dtype, rounded(base + rounded(mixed / np.maximum(divisor, rounded(f32(1e-6), dtype)), dtype), dtype)


def rescaled(delta, kept, dtype, work):
    """L1 matching: the kept part times the ratio of the two sums of magnitudes, both and their ratio rounded to `work`."""
    before = rounded(f32(np.abs(delta).sum(dtype=np.float64)), work)
    after = rounded(f32(np.abs(kept).sum(dtype=np.float64)), work)
    if before < 1e-7 or after < 1e-7:
        return kept
    return rounded(kept * rounded(before / after, work), dtype)


def task_arithmetic(method, base_model, inputs, setting):
    consensus, sparsifier, normalize, rescale = PRESETS[method]
    (_, dtype, base, _), = [i for i in inputs if i[0] == base_model]
    weights, terms, tied = [], [], np.zeros(base.shape, bool)
    for model, _, x, parameter in inputs:
        if model == base_model:
            continue
        delta = rounded(rounded(x, dtype) - base, dtype)
        density = parameter("density", 1.0)
        if density < 1:
            # DARE works in fp32 on float16; the magnitude method does not.
            work = "F32" if sparsifier in ("random", "ranked") and dtype == "F16" else dtype
            if sparsifier == "magnitude":
                mask, choice = keep_largest(delta, density)
                tied |= choice & (delta != 0)
            elif sparsifier == "random":
                mask = RANDOM.random(delta.shape) < density
            elif sparsifier == "ranked":
                mask = keep_ranked(delta, density, parameter("epsilon", 0.15))
            elif sparsifier == "outliers":
                mask = keep_middle(delta, density, parameter("gamma", 0.01))
            else:
                mask = np.ones(delta.shape, bool)
            kept = np.where(mask, delta, f32(0))
            delta = rescaled(delta, kept, dtype, work) if sparsifier and setting("rescale", rescale) else kept
        w = rounded(f32(parameter("weight")), dtype)
        weights.append(w)
        terms.append(rounded(w * delta, dtype))
    if consensus:
        major = np.where(total(terms, dtype) >= 0, 1, -1)
        agree = [np.sign(t) == major for t in terms]
        mixed = total([np.where(a, t, f32(0)) for a, t in zip(agree, terms)], dtype)
        divisor = total([np.where(a, w, f32(0)) for a, w in zip(agree, weights)], dtype)
        divisor = np.where(divisor == 0, f32(1), divisor)
    else:
        mixed, divisor = total(terms, dtype), total(weights, dtype)
        divisor = f32(1) if abs(divisor) < 1e-8 else divisor
    if setting("normalize", normalize):
        mixed = rounded(mixed / divisor, dtype)
    scale = setting("lambda", 1.0)
    if scale != 1:
        mixed = rounded(mixed * f32(scale), dtype)
    return dtype, rounded(base + mixed, dtype), tied


# ---- comparison ----------------------------------------------------------------------------------------------------------

def both(out, name):
    """The emulated and the stored output, and the base model of the recipe if it has one."""
    directory = out / "cases" / name
    recipe = yaml.safe_load((directory / "recipe.yml").read_text().replace("{ZOO}", str(out / "zoo")))
    cache = {}

    def load(model):
        if model not in cache:
            cache[model] = zoo.read(out.joinpath(model, "model.safetensors"))
        return cache[model]
    first = (recipe.get("slices") or [{}])[0].get("sources", recipe.get("models"))[0]["model"]
    layers = json.loads(out.joinpath(first, "config.json").read_text())["num_hidden_layers"]
    got, want = merge(recipe, load, layers), zoo.read(directory / "expected.safetensors")
    if set(got) != set(want):
        raise AssertionError(f"tensor sets differ: {sorted(set(got) ^ set(want))[:4]}")
    return recipe, got, want, load


def compare_random(out, name, density):
    """The tensors where the counts of kept elements or the L1 norms of two random masks differ too much."""
    recipe, got, want, load = both(out, name)
    rescale = lookup("rescale", "", 0.0, [recipe.get("parameters")], True)
    differing = []
    for key, (dtype, shape, data) in want.items():
        base = rounded(zoo.decode(load(recipe["base_model"])[key][2], load(recipe["base_model"])[key][0], shape), dtype)
        a, b = (zoo.decode(t, dtype, shape) - base for t in (got[key][2], data))
        n, kept = a.size, (int((a != 0).sum()), int((b != 0).sum()))
        if abs(kept[0] - kept[1]) > 5 * (2 * n * density * (1 - density)) ** 0.5 + 1:
            differing.append(f"{key}: kept {kept[0]} of {n}, mergekit {kept[1]}")
        norms = float(np.abs(a).sum()), float(np.abs(b).sum())
        limit = 0.03 if rescale else 5 * (np.pi * (1 - density) / (density * n)) ** 0.5
        if n >= 400 and abs(norms[0] - norms[1]) > limit * norms[1]:
            differing.append(f"{key}: L1 norm {norms[0]}, mergekit {norms[1]}")
    return differing


def compare(out, name):
    """Elements equal bit for bit, elements, the largest error as a `rel` rule sees it, the tensors that differ where nothing is
    tied, and where something is."""
    _, got, want, _ = both(out, name)
    same = count = 0
    worst, differing = 0.0, []
    for key, (dtype, shape, data) in want.items():
        if got[key][:2] != (dtype, shape):
            raise AssertionError(f"{key}: {got[key][:2]}, not {(dtype, shape)}")
        unit = zoo.encode(np.zeros(1), dtype)
        equal = np.frombuffer(got[key][2], f"V{len(unit)}") == np.frombuffer(data, f"V{len(unit)}")
        same, count = same + int(equal.sum()), count + prod(shape)
        if not equal.all():
            a, b = zoo.decode(got[key][2], dtype, shape).ravel(), zoo.decode(data, dtype, shape).ravel()
            error = np.abs(a - b) / np.maximum(np.abs(b), 0.05 * (np.abs(b).max() or 1))
            worst = max(worst, float(error.max()))
            wrong = np.flatnonzero(~equal & ~got[key][3].ravel())
            if wrong.size:
                differing.append(f"{key}: {wrong.size} of {equal.size}, [{wrong[0]}] {a[wrong[0]]!r} not {b[wrong[0]]!r}")
    return same, count, worst, differing, {key: value[3] for key, value in got.items()}


def check(out, names):
    failed = 0
    for name in names:
        rule = (out / "cases" / name / "rule").read_text().split()
        try:
            if rule[0] == "random":
                differing = compare_random(out, name, float(rule[1]))
                failed += bool(differing)
                print(f"{name}: {'DIFFERS' if differing else 'ok'} ({' '.join(rule)})", *differing, sep="\n    ")
                continue
            same, count, worst, differing, tied = compare(out, name)
        except (AssertionError, LookupError, OSError) as e:
            print(f"{name}: {type(e).__name__}: {e}")
            failed += 1
            continue
        ok = {"bits": lambda: same == count, "rel": lambda limit: worst <= float(limit),
              "most": lambda share: same >= float(share) * count and not differing}[rule[0]](*rule[1:])
        failed += not ok
        print(f"{name}: {'ok' if ok else 'DIFFERS'} ({' '.join(rule)}): {same} of {count} bit for bit, "
              f"{sum(int(t.sum()) for t in tied.values())} tied, worst {worst:.2g}")
        for line in differing if not ok else []:
            print("    " + line)
    return failed > 0
