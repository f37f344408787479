#!/usr/bin/env python3
"""The golden values of the matrix methods, from the papers' formulas in NumPy (fp64).

Prints each case as the tests hold it, in core/src/test/java/io/weightloom/merge: MatrixMethodsTest, WudiTest,
TwinMergingTest, RegMeanTest, SingularValueCalibrationTest.
The values of TSV-M, Iso-C, Iso-CTS, RegMean and WUDI were compared with those of the papers' own codes on the same
input (AntoAndGar/task_singular_vectors a6c9718, danielm1405/iso-merging d34010a, bloomberg/dataless-model-merging
92247ae, nathanielyvo/WUDI-Merging dc3cd12); KnOTS and SVC are computed here alone. Of tensors that are no matrices TSV-M's code
takes the mean of the task vectors. Twin-Merging's two ways to compress were
compared with sparsify.py of LZY-the-boys/Twin-Merging f481c60 (torch, fp64).
"""
import numpy as np

np.set_printoptions(precision=10, suppress=True)
D1 = np.array([[3., 1, 0], [0, 2, 0], [0, 0, 1]])
D2 = np.array([[1., 0, 2], [0, 1, 0], [2, 0, 1]])
T1, T2 = np.array([[1., 0], [0, 2]]), np.array([[0., 1], [1, 1]])
G1, G2 = np.array([[2., 1], [1, 2]]), np.array([[4., 0], [0, 1]])
W1, W2 = np.array([[1., 2], [3, 4]]), np.array([[5., 6], [7, 8]])


def svd(x):
    return np.linalg.svd(x, full_matrices=False)


def polar(x):
    u, s, vt = svd(x)
    keep = s > max(x.shape) * np.finfo(float).eps * s[0]
    return u[:, keep] @ vt[keep]


def stack(parts, side):
    u = np.concatenate([p[0] for p in parts], axis=1)
    s = np.concatenate([p[1] for p in parts])
    vt = np.concatenate([p[2] for p in parts])
    pad = side - len(s)
    return np.pad(u, ((0, 0), (0, pad))), np.pad(s, (0, pad)), np.pad(vt, ((0, pad), (0, 0)))


def first(parts, r):
    u, s, vt = parts
    return u[:, :r], s[:r], vt[:r]


def tsv_m(deltas):
    side = min(deltas[0].shape)
    r = int(side * (1 / len(deltas)))
    u, s, vt = stack([first(svd(d), r) for d in deltas], side)
    return polar(u) @ np.diag(s) @ polar(vt)


def iso_c(deltas):
    u, s, vt = svd(sum(deltas))
    return s.mean() * u @ vt


def iso_cts(deltas, fraction):
    side, t = min(deltas[0].shape), len(deltas)
    task = round((side - int(side * fraction)) / t) * t
    common, r = side - task, task // t
    whole = svd(sum(deltas))
    c = whole[0][:, :common]
    parts = [first(svd(d - c @ c.T @ d), r) for d in deltas] + [first(whole, common)]
    u, s, vt = stack(parts, side)
    return s.mean() * polar(u) @ polar(vt)


def knots(deltas, least=1e-5):
    u, s, vt = svd(np.concatenate(deltas, axis=1))
    u, s, vt = u[:, s > least], s[s > least], vt[s > least]
    parts = np.stack(np.split(s[:, None] * vt, len(deltas), axis=1))
    agrees = np.sign(parts) == np.where(parts.sum(0) >= 0, 1, -1)
    return u @ ((parts * agrees).sum(0) / np.maximum(agrees.sum(0), 1))


def regmean(grams, weights, factor):
    grams = [factor * g + (1 - factor) * np.diag(np.diag(g)) for g in grams]
    return (np.linalg.inv(sum(grams)) @ sum(g @ w.T for g, w in zip(grams, weights))).T


def wudi(deltas, steps, rate):
    m = sum(deltas).copy()
    mean, square = np.zeros_like(m), np.zeros_like(m)
    for i in range(1, steps + 1):
        g = sum(2 * (m - d) @ d.T @ d / (d ** 2).sum() for d in deltas)
        mean = .9 * mean + .1 * g
        square = .999 * square + .001 * g * g
        m -= rate / (1 - .9 ** i) * mean / (np.sqrt(square) / np.sqrt(1 - .999 ** i) + 1e-8)
    return m


def wudi_closed(deltas):
    grams = [d.T @ d / (d ** 2).sum() for d in deltas]
    return sum(d @ g for d, g in zip(deltas, grams)) @ np.linalg.pinv(sum(grams))


def largest(x, count):
    flat = x.ravel()
    kept = np.zeros_like(flat)
    at = np.argsort(-np.abs(flat), kind="stable")[:count]
    kept[at] = flat[at]
    return kept.reshape(x.shape)


def twin(deltas, weights, scaling, mask_rate, by):
    shared = scaling * sum(deltas)
    density = 1 - mask_rate
    merged = shared.copy()
    for w, d in zip(weights, deltas):
        v = d - shared
        if by == "svd":
            u, s, vt = first(svd(v), int(density * min(v.shape)))
            merged += w * (u * s) @ vt
        else:
            merged += w * largest(v, int(density * v.size))
    return merged


def svc(deltas, scaling, alpha):
    u, s, vt = svd(scaling * sum(deltas) / len(deltas))
    gammas = []
    for r in range(len(s)):
        along = [u[:, r] @ d for d in deltas]
        share = [s[r] * vt[r] @ a / (a @ a) if a @ a > 0 else 0 for a in along]
        gammas.append(len(deltas) / sum(max(alpha, x) for x in share))
    return (u * s * gammas) @ vt


def show(name, value):
    print(f"{name}\n{np.asarray(value)}")


print("NumPy", np.__version__)
show("tsv_m", tsv_m([D1, D2]))
WIDE = [np.array([[1., 2, 0], [0, 1, 3]]), np.array([[2., 0, 1], [1, 1, -1]])]
BIASES = [np.array([1., -2]), np.array([4., 1])]
show("tsv_m of a layer with a bias, lambda .5: weight", .5 * tsv_m(WIDE))
show("tsv_m of a layer with a bias, lambda .5: bias", .5 * np.mean(BIASES, axis=0))
show("iso_c", iso_c([D1, D2]))
show("iso_cts, fraction .34", iso_cts([D1, D2], .34))
show("knots, all kept, lambda 1", knots([D1, D2]))
show("knots, singular values of [D1 | D2]", svd(np.concatenate([D1, D2], axis=1))[1])
show("knots, the least direction left out", knots([D1, D2], 2.2))
for a in (1, .9, 0):
    show(f"regmean, off-diagonal {a}", regmean([G1, G2], [W1, W2], a))
for n in (0, 1, 300):
    show(f"wudi, {n} steps", wudi([T1, T2], n, 1e-5))
show("wudi, 3000 steps of 1e-2", wudi([T1, T2], 3000, 1e-2))
show("wudi, closed form", wudi_closed([T1, T2]))
ROUTING = np.exp([1., 0]) / np.exp([1., 0]).sum()
TWO = [np.array([[1., 2], [0, 0]]), np.array([[0., 0], [3, -1]])]
show("twin_merging, rank 2 of 3", twin([D1, D2], ROUTING, .29, .25, "svd"))
show("twin_merging, 4 of 9 elements", twin([D1, D2], ROUTING, .29, .5, "magnitude"))
show("twin_merging, 2 of 4 elements", twin(TWO, ROUTING, .5, .5, "magnitude"))
show("svc, scaling .6, alpha .1", svc([D1, D2], .6, .1))
show("svc, scaling 2, alpha 1", svc([D1, D2], 2, 1))
