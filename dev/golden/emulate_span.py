"""An independent numpy statement of slerp, nuslerp, multislerp, karcher and model_stock of mergekit 0.1.4. A library; see emulate.py."""
import itertools
import math

import numpy as np

import zoo

METHODS = {"slerp", "nuslerp", "multislerp", "karcher", "model_stock"}


def f32(x):
    return np.float32(x)


class Rounding:
    def __init__(self, dtype):
        self.dtype = dtype

    def __call__(self, x):
        x = np.asarray(x, np.float64).astype(np.float32)
        with np.errstate(over="ignore"):
            return zoo.decode(zoo.encode(x, self.dtype), self.dtype, x.shape)


def length(x, axis=None):
    return np.sqrt((x.astype(np.float64) ** 2).sum(axis=axis, keepdims=axis is not None))


def product(a, b):
    return (a.astype(np.float64) * b).sum()


def slerp(a, b, t, r):
    na, nb = (n if n > 1e-8 else 1.0 for n in (float(length(a)), float(length(b))))
    cosine = product(a, b) / na / nb
    if abs(cosine) > 0.9995:
        wa, wb = 1 - t, t
    else:
        angle = math.acos(cosine)
        wa, wb = math.sin((1 - t) * angle) / math.sin(angle), math.sin(t * angle) / math.sin(angle)
    return r(f32(wa) * a + f32(wb) * b)


def nuslerp(v, base, weights, axis, r):
    t = 0.5 if abs(sum(weights)) < 1e-6 else weights[1] / sum(weights)
    if base is not None:
        v = [r(x - base) for x in v]
    axis = None if v[0].ndim < 2 else axis
    u = [r(x / np.maximum(r(length(x, axis)), r(1e-7))) for x in v]
    cosine = np.clip(r(r(u[0] * u[1]).astype(np.float64).sum(axis=axis, keepdims=axis is not None)), -1, 1)
    angle = r(np.arccos(cosine.astype(np.float64)))
    sine = r(np.sin(angle.astype(np.float64)))
    s = [r(np.sin(r(f32(w) * angle).astype(np.float64))) for w in (1 - t, t)]
    with np.errstate(all="ignore"):
        arc = r(r(r(s[0] * v[0]) + r(s[1] * v[1])) / sine)
    chord = r(r(f32(1 - t) * v[0]) + r(f32(t) * v[1]))
    y = np.where(np.abs(sine) < 1e-8, chord, arc)
    return y if base is None else r(base + y)


def multislerp(v, base, weights, normalize, eps, r):
    w = r(np.array(weights))
    if normalize:
        w = r(w / r(w.astype(np.float64).sum()))
    if base is not None:
        v = [r(x - base) for x in v]

    def weighted(xs):
        return r(sum(r(a * x).astype(np.float64) for a, x in zip(w, xs)))
    norms = [r(length(x)) for x in v]
    units = [r(x / r(n + f32(eps))) for x, n in zip(v, norms)]
    mean = weighted(units)
    mean = r(mean / r(length(mean)))
    tangent = weighted([r(u - r(r(r(u * mean).astype(np.float64).sum()) * mean)) for u in units])
    angle = r(r(length(tangent)) + f32(eps))
    y = r(r(mean * r(np.cos(np.float64(angle)))) + r(r(r(np.sin(np.float64(angle))) / angle) * tangent))
    y = r(weighted([n.reshape(()) for n in norms]) * y)
    return y if base is None else r(base + y)


def karcher(v, iterations, tol, r):
    norms = [float(f32(length(x))) for x in v]
    some = sum(n > tol for n in norms)
    shares = [1 / some if n > tol else 0.0 for n in norms]
    units = [r(x / f32(n or 1)) for x, n in zip(v, norms)]
    u = np.zeros_like(v[0])
    for a, x in zip(shares, units):
        u = r(u + r(f32(a) * x))
    u = r(u / f32(length(u)))
    for _ in range(iterations):
        tangent = np.zeros_like(u)
        for a, x in zip(shares, units):
            cosine = np.clip(r(product(u, x)), -1, 1)
            angle = r(np.arccos(np.float64(cosine)))
            if a == 0 or angle < tol:
                continue
            factor = r(f32(a) * r(angle / r(np.sin(np.float64(angle)))))
            tangent = r(tangent + r(factor * r(x - r(cosine * u))))
        angle = float(f32(length(tangent)))
        if angle < tol:
            break
        u = r(r(f32(math.cos(angle)) * u) + r(r(f32(math.sin(angle)) * tangent) / f32(angle)))
        u = r(u / f32(length(u)))
    return r(f32(sum(n / len(v) for n in norms)) * u)


def model_stock(v, base, rows, r):
    axis = -1 if rows and base.ndim > 1 else None
    deltas = [r(x - base) for x in v]
    norms = [r(length(d, axis)) for d in deltas]
    cosines = []
    for i, j in itertools.combinations(range(len(v)), 2):
        dot = r(r(deltas[i] * deltas[j]).astype(np.float64).sum(axis=axis, keepdims=axis is not None))
        cosines.append(np.clip(r(dot / np.maximum(r(norms[i] * norms[j]), r(1e-6))), -1, 1))
    n, cosine = len(v), r(sum(c.astype(np.float64) for c in cosines) / len(cosines))
    t = r(r(f32(n) * cosine) / r(f32(1) + r(f32(n - 1) * cosine)))
    total = np.zeros_like(base)
    for x in v:
        total = r(total + x)
    return r(r(t * r(total / f32(n))) + r(r(f32(1) - t) * base))


def merge(method, base_model, inputs, setting):
    """The dtype and the values of one tensor; inputs as emulate.tensor makes them."""
    dtype = inputs[0][1]
    r = Rounding(dtype)
    bases = [x for m, _, x, _ in inputs if m == base_model]
    others = [i for i in inputs if i[0] != base_model]
    base, v = (bases[0] if bases else None), [x for _, _, x, _ in others]
    weights = [p("weight") for *_, p in others]
    if method == "slerp":
        return dtype, slerp(base, v[0], setting("t", None), r)
    if method == "nuslerp":
        flat, rows = setting("nuslerp_flatten", True), setting("nuslerp_row_wise", False)
        return dtype, nuslerp(v, base, weights, None if flat else 0 if rows else -1, r)
    if method == "multislerp":
        return dtype, multislerp(v, base, weights, setting("normalize_weights", True), float(setting("eps", 1e-8)), r)
    if method == "karcher":
        return dtype, karcher([x for _, _, x, _ in inputs], int(setting("max_iter", 10)), float(setting("tol", 1e-5)), r)
    return dtype, model_stock(v, base, setting("filter_wise", False), r)
