#!/usr/bin/env python3
"""Prints the golden values of the span methods that no other program gives, computed on the vectors themselves and not on their Gram matrix.

usage: VENV/bin/python dev/golden/span.py        (VENV is the environment of dev/peers.sh; needs numpy)
"""
import numpy as np

MODELS = np.array([[1.0, 0.5, -0.25, 0.75], [0.5, 1.0, 0.25, -0.5], [0.25, -0.5, 1.0, 1.0]])
OUTLIER = np.array([[1.0, 0.1, 0.0, 0.0], [1.0, -0.1, 0.1, 0.0], [0.9, 0.0, -0.1, 0.1], [-3.0, 5.0, 4.0, -6.0]])


def karcher(x, iterations=1000, tol=1e-13):
    norms = np.linalg.norm(x, axis=1)
    units = x / norms[:, None]
    u = units.mean(axis=0)
    u /= np.linalg.norm(u)
    for _ in range(iterations):
        angles = np.arccos(np.clip(units @ u, -1, 1))
        tangent = np.mean([a / np.sin(a) * (v - (v @ u) * u) for a, v in zip(angles, units)], axis=0)
        size = np.linalg.norm(tangent)
        if size < tol:
            break
        u = np.cos(size) * u + np.sin(size) * tangent / size
    return norms.mean() * u


def multislerp(x, w):
    w = np.array(w) / np.sum(w)
    norms = np.linalg.norm(x, axis=1)
    direction = (w / norms) @ x
    return (w @ norms) * direction / np.linalg.norm(direction)


def model_stock(x, angles):
    units = x / np.linalg.norm(x, axis=1)[:, None]
    n = len(x)
    pairs = np.clip([units[i] @ units[j] for i in range(n) for j in range(i)], -1, 1)
    c = np.cos(np.mean(np.arccos(pairs))) if angles else np.mean(pairs)
    return n * c / (1 + (n - 1) * c) * x.mean(axis=0)


def variance_corrected(x):
    mean = x.mean(axis=0)
    return mean.mean() + (mean - mean.mean()) * np.sqrt(x.var(axis=1).mean() / mean.var())


def weight_aligning(w, first_new):
    norms = np.linalg.norm(w, axis=1)
    gamma = norms[:first_new].mean() / norms[first_new:].mean()
    return gamma, np.vstack([w[:first_new], gamma * w[first_new:]]).ravel()


def target_variance_rescaling(w, target, threshold=1.2):
    mean, deviation = w.mean(), w.std(ddof=1)
    return ((w - mean) / deviation * target + mean if deviation / target > threshold else w).ravel()


def flag(x, dimension, pairs=0.0):
    p = len(x)
    columns = [(v / np.linalg.norm(v), 1.0) for v in x]
    columns += [((x[i] - x[j]) / np.linalg.norm(x[i] - x[j]), pairs / (p - 1)) for i in range(p) for j in range(p) if i != j and pairs]
    a, fixed = np.array([c for c, _ in columns]).T, np.array([w for _, w in columns])
    weights = fixed.copy()
    for _ in range(2000):
        y = np.linalg.svd(a * np.sqrt(weights))[0][:, :dimension]
        weights = fixed / np.sqrt(np.maximum(1e-12, 1 - ((y.T @ a) ** 2).sum(axis=0)))
    return y @ (y.T @ x.mean(axis=0))


def show(name, value):
    print(f"{name}: {', '.join(f'{v:.10f}' for v in value)}")


if __name__ == "__main__":
    print("numpy", np.__version__)
    show("karcher", karcher(MODELS))
    show("multislerp 0.5 0.25 0.75", multislerp(MODELS, [0.5, 0.25, 0.75]))
    show("model_stock cosines", model_stock(MODELS, False))
    show("model_stock angles", model_stock(MODELS, True))
    show("variance_corrected", variance_corrected(MODELS))
    gamma, aligned = weight_aligning(MODELS, 2)
    show(f"weight_aligning 2, gamma {gamma:.10f}", aligned)
    show("target_variance_rescaling 0.5", target_variance_rescaling(MODELS, 0.5))
    show("target_variance_rescaling 0.5 layer 4", target_variance_rescaling(MODELS, 0.5 / np.sqrt(4)))
    show("flag 1", flag(MODELS, 1))
    show("flag 2", flag(MODELS, 2))
    show("flag 2 pairs 0.5", flag(MODELS, 2, 0.5))
    show("flag outlier 3", flag(OUTLIER, 3))
    show("flag outlier 1", flag(OUTLIER, 1))
