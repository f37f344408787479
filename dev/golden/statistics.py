#!/usr/bin/env python3
"""The golden values of statistics and comparisons: NumPy, SciPy, PyTorch and NetworkX on random weights.

Writes core/src/test/resources/golden/{stats,embedding,compare,subspaces,lineage}.properties: the data as base64, the values as hexadecimal
floats. Run with the environment that dev/peers.sh makes, SciPy and NetworkX added.
"""
import base64
import itertools
import pathlib

import networkx
import numpy as np
import scipy
import scipy.cluster.hierarchy
import scipy.spatial.distance
import scipy.special
import scipy.stats
import torch

OUT = pathlib.Path(__file__).resolve().parents[2] / "core/src/test/resources/golden"
TYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F64": torch.float64}
TARGETS = {"BF16": (torch.bfloat16, 3.3895313892515355e38), "F16": (torch.float16, 65504.0),
           "F8_E4M3": (torch.float8_e4m3fn, 448.0), "F8_E5M2": (torch.float8_e5m2, 57344.0)}
ROWS, COLUMNS = 24, 40
QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
MAGNITUDES = [0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999]
NEAR_ZERO = [0.01, 0.1]
HEADER = f"# Made by dev/golden/statistics.py: NumPy {np.__version__}, SciPy {scipy.__version__}, PyTorch {torch.__version__}, NetworkX {networkx.__version__}\n"


def shown(value):
    if isinstance(value, (list, tuple, np.ndarray)):
        return ",".join(shown(v) for v in value)
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    value = float(value)
    return "NaN" if np.isnan(value) else str(value).replace("inf", "Infinity") if np.isinf(value) else value.hex()


def stored(tensor):
    return base64.b64encode(tensor.contiguous().view(torch.uint8).numpy().tobytes()).decode()


def weights(dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(ROWS, COLUMNS, generator=generator, dtype=torch.float64) * 0.02 + 0.003
    w[3, ::7] = 0
    w[4, 1::3] = -0.0
    w[5] = 0
    w[:, 11] = 0
    w[6, ::2] = 0
    w[7] *= 300
    w[8] *= 3000
    w[9] *= 1e-5
    w[10] *= 40000
    finfo = torch.finfo(dtype)
    special = [float("nan"), -float("nan"), float("inf"), -float("inf"), float("inf"), finfo.max / 2, -finfo.tiny / 2,
               finfo.tiny / 4, finfo.tiny, -finfo.tiny, 480.0, -464.0, 464.5, 448.0, 65520.0, 65519.0, 61440.0, 2.0**-10,
               -2.0**-10, 1.5 * 2**-10, 2.0**-17, 2.0**-25, 3 * 2.0**-26, 2.0**-9, 1.0, -1.0, 10.0, 1e4]
    if dtype is torch.float64:
        special[5] = 1e30  # fourth powers must not overflow
        special += [1e300 * 0 + 1.0 + 2**-40, 2.0**-134, 2.0**-133, 2.0**-150]
    if dtype is torch.float32:
        special[5] = 1e30
        special += [2.0**-134, 2.0**-133, 3 * 2.0**-135, 2.0**-149]
    if dtype is torch.bfloat16:
        special[5] = 1e30
    w = w.to(dtype)
    w.view(-1)[20:20 + len(special)] = torch.tensor(special, dtype=torch.float64).to(dtype)
    return w


def quantile(x, q):
    rank = max(1, int(np.ceil(np.float64(q) * len(x) - 1e-9)))
    return np.sort(x)[rank - 1]


def entropy(counts):
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def entropies(name, raw):
    bits, mantissa = {"BF16": (16, 7), "F16": (16, 10), "F32": (32, 23), "F64": (64, 52)}[name]
    code = raw.astype(np.uint64)
    dropped = max(0, bits - 16)
    top = code >> np.uint64(dropped)
    kept = mantissa - dropped
    exponent = (top >> np.uint64(kept)) & np.uint64((1 << (15 - kept)) - 1)
    low = top & np.uint64((1 << kept) - 1)

    def of(x):
        return entropy(np.unique(x, return_counts=True)[1])
    return of(code) if bits == 16 else float("nan"), of(exponent), of(low)


def representable(w64, finite):
    found = {}
    x = torch.tensor(w64[finite])
    for target, (dtype, largest) in TARGETS.items():
        # One rounding: by exact halves, for torch casts fp64 through fp32.
        precision, least = {"BF16": (8, -126), "F16": (11, -14), "F8_E4M3": (4, -6), "F8_E5M2": (3, -14)}[target]
        m, e = np.frexp(np.abs(x.numpy()))
        quantum = np.exp2(np.maximum(e - 1, least) - (precision - 1.0))
        rounded = np.rint(np.abs(x.numpy()) / quantum) * quantum
        over = rounded > largest
        under = (rounded == 0) & (x.numpy() != 0)
        exact = (rounded == np.abs(x.numpy())) & ~over
        inside = x[torch.tensor(~over)].to(torch.float32)
        if not torch.equal(inside.to(torch.float64), x[torch.tensor(~over)]):
            inside = None
        if inside is not None:  # PyTorch has the last word where it rounds once.
            cast = inside.to(dtype).to(torch.float64).abs().numpy()
            assert np.array_equal(cast, rounded[~over]), target
        found[target] = [int(exact.sum()), int(over.sum()), int(under.sum())]
    return found


def ggd(shape):
    g = scipy.special.gamma
    return g(2 / shape) ** 2 / (g(1 / shape) * g(3 / shape))


def stats():
    lines = [HEADER, f"rows={ROWS}\n", f"columns={COLUMNS}\n"]
    for seed, (name, dtype) in enumerate(TYPES.items()):
        w = weights(dtype, seed)
        w64 = w.to(torch.float64).numpy().ravel()
        width = w.element_size()
        raw = np.frombuffer(w.contiguous().view(torch.uint8).numpy().tobytes(),
                            dtype={2: np.uint16, 4: np.uint32, 8: np.uint64}[width])
        sign = np.uint64(1) << np.uint64(8 * width - 1)
        nan, inf = np.isnan(w64), np.isinf(w64)
        finite = ~nan & ~inf
        x = w64[finite]
        tiny = torch.finfo(dtype).tiny
        order = np.flatnonzero(finite)
        # Moments in extended precision: fp64 loses the fourth power of the rest beside the largest value.
        long = x.astype(np.longdouble)
        mean = long.mean()
        m2, m3, m4 = (((long - mean) ** k).mean() for k in (2, 3, 4))
        n = len(x)
        skew, kurtosis = float(m3 / m2 ** 1.5), float(m4 / m2 ** 2 - 3)
        assert np.isclose(kurtosis, scipy.stats.kurtosis(x), rtol=1e-6)
        matrix = np.where(finite, w64, 0).reshape(ROWS, COLUMNS)
        rows = np.sqrt((matrix ** 2).sum(axis=1))
        groups4 = (matrix.reshape(-1, 4) == 0).sum(axis=1) - 0
        groups4 = (np.where(finite, w64, 1).reshape(-1, 4) == 0).sum(axis=1)
        groups8 = (np.where(finite, w64, 1).reshape(-1, 8) == 0).sum(axis=1)
        values = {
            "bytes": None, "elements": len(w64), "positive": int((x > 0).sum()), "negative": int((x < 0).sum()),
            "positive_zeros": int((raw == 0).sum()), "negative_zeros": int((raw.astype(np.uint64) == sign).sum()),
            "denormals": int(((np.abs(x) < tiny) & (x != 0)).sum()), "nans": int(nan.sum()),
            "positive_infinities": int((w64 == np.inf).sum()), "negative_infinities": int((w64 == -np.inf).sum()),
            "min": x.min(), "max": x.max(), "argmin": int(order[x.argmin()]), "argmax": int(order[x.argmax()]),
            "mean": float(mean), "variance": float(m2), "variance_sample": float(m2 * n / (n - 1)),
            "skewness": skew, "kurtosis": kurtosis,
            "skewness_sample": skew * np.sqrt(n * (n - 1)) / (n - 2),
            "kurtosis_sample": (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * kurtosis + 6),
            "l1": float(np.abs(long).sum()), "squares": float((long ** 2).sum()),
            "quantiles": [quantile(x, q) for q in QUANTILES],
            "magnitudes": [quantile(np.abs(x), q) for q in MAGNITUDES],
            "outliers": [int((np.abs(long - mean) > k * np.sqrt(m2)).sum()) for k in (3, 6, 10)],
            "near_zeros": [int((np.abs(long) <= s * np.sqrt((long ** 2).mean())).sum()) for s in NEAR_ZERO],
            "entropy": entropies(name, raw),
            "zeros_in_4": np.bincount(groups4, minlength=5).tolist(),
            "zeros_in_8": np.bincount(groups8, minlength=9).tolist(),
            "row_norms": rows, "zero_rows": int((rows == 0).sum()),
            "column_maxima": np.abs(matrix).max(axis=0),
        }
        for target, counts in representable(w64, finite).items():
            values["fit." + target] = counts
        for key, value in values.items():
            lines.append(f"{name}.{key}={stored(w) if key == 'bytes' else shown(value)}\n")
    shapes = [0.2, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 8.0]
    lines.append(f"ggd.shapes={shown(shapes)}\n")
    lines.append(f"ggd.ratios={shown([ggd(s) for s in shapes])}\n")
    points = [0.02, 0.1, 0.5, 1.0, 1.5, 2.0, 3.7, 11.9, 12.0, 30.0]
    lines.append(f"gamma.points={shown(points)}\n")
    lines.append(f"gamma.logs={shown([scipy.special.gammaln(p) for p in points])}\n")
    gauss = torch.randn(4096, generator=torch.Generator().manual_seed(9)).to(torch.bfloat16)
    g = gauss.to(torch.float64).numpy()
    fitted = scipy.optimize.brentq(lambda s: ggd(s) - np.abs(g).mean() ** 2 / (g * g).mean(), 0.2, 20)
    scale = np.sqrt((g * g).mean() * scipy.special.gamma(1 / fitted) / scipy.special.gamma(3 / fitted))
    own = scipy.stats.gennorm.logpdf(g, fitted, scale=scale).mean()
    std = np.sqrt((g * g).mean())
    lines.append(f"ggd.bytes={stored(gauss)}\n")
    lines.append(f"ggd.fit={shown([fitted, scale, own - scipy.stats.norm.logpdf(g, scale=std).mean(), own - scipy.stats.laplace.logpdf(g, scale=std / np.sqrt(2)).mean()])}\n")
    (OUT / "stats.properties").write_text("".join(lines))


def embedding():
    rows, columns, unused = 19, 23, [4, 11, 12, 13]
    lines = [HEADER, f"rows={rows}\n", f"columns={columns}\n", "unused=4,11-13\n"]
    for seed, (name, dtype) in enumerate(TYPES.items()):
        w = torch.randn(rows, columns, generator=torch.Generator().manual_seed(100 + seed), dtype=torch.float64) + 0.3
        w[unused] = w[4] * 0.1 + w[unused] * 0.01
        w[7] = w[4] * 1.001
        w[9] = 0
        w = w.to(dtype)
        w[2, 5] = float("inf")
        e = w.to(torch.float64).numpy().astype(np.longdouble)
        e[~np.isfinite(e)] = 0
        mean, of = e.mean(axis=0), e[unused].mean(axis=0)

        def cosine(a, b):
            norms = np.sqrt((a ** 2).sum() * (b ** 2).sum())
            return 1 - (a * b).sum() / norms if norms else float("nan")
        lines.append(f"{name}.bytes={stored(w)}\n")
        for r in range(rows):
            lengths = [float(np.sqrt((d ** 2).sum())) for d in (e[r], e[r] - mean, e[r] - of)]
            lines.append(f"{name}.{r}={shown(lengths + [float(cosine(e[r], of)), float(cosine(e[r] - mean, of - mean))])}\n")
    (OUT / "embedding.properties").write_text("".join(lines))


def gini(x):
    x = np.sort(np.abs(x))
    n = len(x)
    return 2 * (np.arange(1, n + 1) * x).sum() / (n * x.sum()) - (n + 1) / n


def energy(x, share):
    squares = np.sort(x * x)[::-1]
    return int(np.searchsorted(np.cumsum(squares), share * squares.sum() * (1 - 1e-12)) + 1)


def compare():
    lines = [HEADER, f"rows={ROWS}\n", f"columns={ROWS}\n"]
    every = {}
    for name, dtype in TYPES.items():
        generator = torch.Generator().manual_seed(77)
        base = (torch.randn(ROWS, ROWS, generator=generator, dtype=torch.float64) * 0.02)
        models = [base.to(dtype)]
        for k in range(3):
            delta = torch.randn(ROWS, ROWS, generator=generator, dtype=torch.float64) * 0.001
            delta[torch.rand(ROWS, ROWS, generator=generator) < 0.3] = 0
            models.append((models[0].to(torch.float64) + delta).to(dtype))
        models[2].view(-1)[0:2] = torch.tensor([0.0, -0.0], dtype=torch.float64).to(dtype)
        models[0].view(-1)[0:2] = torch.tensor([-0.0, -0.0], dtype=torch.float64).to(dtype)
        models[1].view(-1)[0] = models[0].view(-1)[0]
        w = [m.to(torch.float64).numpy().ravel() for m in models]
        raw = [m.contiguous().view(torch.uint8).numpy().reshape(-1, m.element_size()) for m in models]
        taus = [(x - w[0]).astype(np.float32).astype(np.float64) for x in w[1:]]
        every[name] = taus
        for k, m in enumerate(models):
            lines.append(f"{name}.bytes.{k}={stored(m)}\n")
        for k, tau in enumerate(taus):
            norm0, norm = np.sqrt((w[0] ** 2).sum()), np.sqrt((w[k + 1] ** 2).sum())
            values = {
                "changed_bits": int((raw[0] != raw[k + 1]).any(axis=1).sum()),
                "changed_values": int((w[0] != w[k + 1]).sum()),
                "distance": np.sqrt((tau ** 2).sum()), "relative_distance": np.sqrt((tau ** 2).sum()) / norm0,
                "mean_abs": np.abs(tau).mean(), "max_abs": np.abs(tau).max(),
                "rotation": 1 - float((w[0].astype(np.longdouble) * w[k + 1]).sum() / (np.longdouble(norm0) * norm)),
                "k90": energy(tau, 0.9), "k99": energy(tau, 0.99), "gini": gini(tau),
                "kurtosis": scipy.stats.kurtosis(w[k + 1]),
            }
            for key, value in values.items():
                lines.append(f"{name}.{k + 1}.{key}={shown(value)}\n")
        mantissa = {"BF16": 7, "F16": 10, "F32": 23, "F64": 52}[name]
        least = {"BF16": -126, "F16": -14, "F32": -126, "F64": -1022}[name]
        ulps = np.exp2(np.maximum(np.frexp(np.abs(w[0]))[1] - 1, least) - float(mantissa))
        ulps[w[0] == 0] = 0
        lines.append(f"{name}.ulp={shown(np.sort(ulps)[(len(ulps) - 1) // 2])}\n")
        for a, b in itertools.combinations(range(3), 2):
            both = (taus[a] != 0) & (taus[b] != 0)
            cosine = (taus[a] * taus[b]).sum() / np.sqrt((taus[a] ** 2).sum() * (taus[b] ** 2).sum())
            k = max(1, int(0.2 * taus[a].size))
            top = [np.abs(t) >= np.sort(np.abs(t))[::-1][k - 1] for t in taus]
            shared = (top[a] & top[b]).sum()
            lines.append(f"{name}.{a + 1}.{b + 1}.task={shown([cosine, int(both.sum()), int((np.sign(taus[a]) != np.sign(taus[b]))[both].sum()), shared / (top[a] | top[b]).sum(), shared / min(top[a].sum(), top[b].sum())])}\n")
        stack = np.stack(taus)
        positive, negative = (stack > 0).sum(axis=0), (stack < 0).sum(axis=0)
        elected = np.sign(stack.sum(axis=0))
        against = np.where(np.sign(stack) == elected, 0, np.abs(stack)).sum(axis=1)
        lines.append(f"{name}.signs={shown([int((positive + negative >= 2).sum()), int(((positive > 0) & (negative > 0)).sum())])}\n")
        lines.append(f"{name}.against={shown(against)}\n")
        unique = [int((top[a] & (np.stack(top).sum(axis=0) == 1)).sum()) for a in range(3)]
        lines.append(f"{name}.unique={shown(unique)}\n")
    for name in TYPES:  # A model of this tensor and the one in F16.
        both = [np.concatenate(pair) for pair in zip(every[name], every["F16"])]
        k = max(1, int(0.2 * both[0].size))
        thresholds = [np.sort(np.abs(t))[::-1][k - 1] for t in both]
        top = np.stack([np.abs(t) >= least for t, least in zip(both, thresholds)])
        values = {"thresholds": [float(t) for t in thresholds], "sizes": top.sum(axis=1),
                  "tensor_sizes": top[:, :every[name][0].size].sum(axis=1),
                  "shared": [int((top[a] & top[b]).sum()) for a, b in itertools.combinations(range(3), 2)],
                  "unique": [int((t & (top.sum(axis=0) == 1)).sum()) for t in top]}
        for key, value in values.items():
            lines.append(f"{name}.model.{key}={shown(value)}\n")
    (OUT / "compare.properties").write_text("".join(lines))


def subspaces():
    directions = 4
    lines = [HEADER, f"directions={directions}\n"]
    for case, (rows, columns) in enumerate([(33, 20), (20, 33), (300, 9), (16, 16)]):
        lines.append(f"{case}.shape={rows},{columns}\n")
        for name in ("BF16", "F32"):
            generator = torch.Generator().manual_seed(900 + case)

            def normal(*shape):
                return torch.randn(*shape, generator=generator, dtype=torch.float64)
            base = (normal(rows, columns) * 0.02).to(TYPES[name])
            common = normal(rows, 2) @ normal(2, columns) * 0.01
            models = [base] + [(base.to(torch.float64) + common + normal(rows, columns) * 0.005).to(TYPES[name]) for _ in range(2)]
            w = [m.to(torch.float64).numpy() for m in models]
            tau = [(x - w[0]).astype(np.float32).astype(np.float64) for x in w[1:]]
            a, b = [np.linalg.svd(t, full_matrices=False) for t in tau]
            left = (np.square(a.U[:, :directions].T @ b.U[:, :directions])).sum() / directions
            right = (np.square(a.Vh[:directions] @ b.Vh[:directions].T)).sum() / directions
            lines += [f"{case}.{name}.bytes.{k}={stored(m)}\n" for k, m in enumerate(models)]
            lines.append(f"{case}.{name}.overlap={shown([left, right])}\n")
            grams = [[t @ t.T for t in tau], [t.T @ t for t in tau]]
            cka = [(k * l).sum() / np.sqrt(np.square(k).sum() * np.square(l).sum()) for k, l in grams]
            lines.append(f"{case}.{name}.cka={shown(cka)}\n")
    (OUT / "subspaces.properties").write_text("".join(lines))


def lineage():
    lines = [HEADER]
    rng = np.random.default_rng(5)
    for case in range(4):
        n = 9
        points = rng.normal(size=(n, 3)) + rng.integers(0, 3, size=(n, 1)) * 6
        distances = scipy.spatial.distance.squareform(scipy.spatial.distance.pdist(points))
        links = scipy.cluster.hierarchy.linkage(scipy.spatial.distance.pdist(points), "ward")
        clusters = scipy.cluster.hierarchy.fcluster(links, 3, "maxclust")
        cost = rng.random((n, n))
        graph = networkx.DiGraph()
        for i, j in itertools.permutations(range(n), 2):
            graph.add_edge(i, j, weight=cost[i, j])
        tree = networkx.minimum_spanning_arborescence(graph)
        parents = [-1] * n
        for i, j in tree.edges:
            parents[j] = i
        lines.append(f"{case}.distances={shown(distances.ravel())}\n{case}.clusters={shown([int(c) for c in clusters])}\n")
        lines.append(f"{case}.cost={shown(cost.ravel())}\n{case}.parents={shown(parents)}\n")
    (OUT / "lineage.properties").write_text("".join(lines))


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    stats()
    embedding()
    compare()
    subspaces()
    lineage()
