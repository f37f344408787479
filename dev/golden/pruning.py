#!/usr/bin/env python3
"""The golden values of the pruning methods, in NumPy (fp64) from the papers' algorithms, and from PyTorch.

Writes core/src/test/resources/golden/pruning.txt, which PruningGoldenTest reads: a name, then numbers.
SparseGPT is algorithm 1 of the paper (arXiv:2301.00774) with the inverse Hessian eliminated column by column (optimal
brain surgeon), not by a Cholesky factor: another way to the same values. Global and per-tensor magnitude masks are those
of torch.nn.utils.prune, LAMP and ERK those of their formulas.
"""
import sys

import numpy as np
import torch
import torch.nn.utils.prune as prune

ROWS, COLUMNS, TOKENS = 10, 24, 40


def matrix(rows, columns, seed):
    i = np.arange(rows)[:, None]
    j = np.arange(columns)[None, :]
    v = ((37 * i + 101 * j + i * j * (7 + seed) + 13 * seed) % 1009) / 1009 - 0.5
    return v.astype(np.float32).astype(np.float64)


W = matrix(ROWS, COLUMNS, 0)
X = matrix(TOKENS, COLUMNS, 3)
GRAM = X.T @ X
NORMS = np.sqrt(np.diag(GRAM))
out = {}


def wanda(w, norms, sparsity):
    score = np.abs(w) * norms
    kept = np.ones_like(w)
    order = np.argsort(score, axis=1, kind="stable")[:, : int(w.shape[1] * sparsity)]
    np.put_along_axis(kept, order, 0, axis=1)
    return kept


def nm(score, n, m):
    kept = np.zeros_like(score)
    for g in range(0, score.shape[1], m):
        order = np.argsort(score[:, g : g + m], axis=1, kind="stable")[:, m - n :]
        np.put_along_axis(kept[:, g : g + m], order, 1, axis=1)
    return kept


def sparsegpt(w, gram, block, damp, sparsity=None, n=None, m=None):
    w = w.copy()
    columns = w.shape[1]
    h = gram + damp * np.mean(np.diag(gram)) * np.eye(columns)
    inverse = np.linalg.inv(h)
    # What is left of the inverse when the columns before are eliminated: its first row is that of the factor, scaled.
    left = []
    for j in range(columns):
        left.append(inverse[j, j:] / np.sqrt(inverse[j, j]))
        inverse = inverse - np.outer(inverse[:, j], inverse[j, :]) / inverse[j, j]
    kept = np.zeros_like(w)
    for first in range(0, columns, block):
        end = min(columns, first + block)
        diag = np.array([left[j][0] for j in range(first, end)])
        if sparsity is not None:
            score = (w[:, first:end] / diag) ** 2
            flat = np.argsort(score.flatten(), kind="stable")
            chosen = np.ones(score.size)
            chosen[flat[: int(score.size * sparsity)]] = 0
            kept[:, first:end] = chosen.reshape(score.shape)
        for j in range(first, end):
            if n is not None and (j - first) % m == 0:
                group = np.array([left[k][0] for k in range(j, j + m)])
                kept[:, j : j + m] = nm((w[:, j : j + m] / group) ** 2, n, m)
            error = w[:, j] * (1 - kept[:, j]) / left[j][0]
            w[:, j:] -= np.outer(error, left[j])
            w[:, j] *= kept[:, j]
    return w


def relative_error(w, pruned, gram):
    d = w - pruned
    return np.trace(d @ gram @ d.T) / np.trace(w @ gram @ w.T)


def lamp(layers, sparsity):
    scores = []
    for w in layers:
        square = np.sort(w.flatten() ** 2)
        scores.append(square / np.cumsum(square[::-1])[::-1])
    every = np.sort(np.concatenate(scores))[::-1]
    threshold = every[int(round(every.size * (1 - sparsity))) - 1]
    return [int((s < threshold).sum()) for s in scores]


def torch_kept(layers, sparsity, whole):
    modules = [torch.nn.Linear(w.shape[1], w.shape[0], bias=False) for w in layers]
    for module, w in zip(modules, layers):
        module.weight.data = torch.tensor(w, dtype=torch.float32)
    if whole:
        prune.global_unstructured([(m, "weight") for m in modules], prune.L1Unstructured, amount=sparsity)
    else:
        for m in modules:
            prune.l1_unstructured(m, "weight", amount=sparsity)
    return np.concatenate([m.weight_mask.numpy().flatten() for m in modules])


def distinct(rows, columns, seed):
    """No two magnitudes are equal, here or in the other layers: torch leaves open which of equal ones go."""
    every = matrix(rows, columns, seed).flatten() + (np.arange(rows * columns) + 1000 * seed) * 1e-6
    return every.astype(np.float32).astype(np.float64).reshape(rows, columns)


LAYERS = [distinct(ROWS, COLUMNS, 0), distinct(7, 30, 1), distinct(16, 5, 2)]
assert np.unique(np.abs(np.concatenate([w.flatten() for w in LAYERS]))).size == sum(w.size for w in LAYERS)
out["wanda"] = wanda(W, NORMS, 0.4)
out["wanda_24"] = nm(np.abs(W) * NORMS, 2, 4)
out["magnitude_37"] = nm(np.abs(W[:, :21]), 3, 7)
out["sparsegpt"] = sparsegpt(W, GRAM, 8, 0.01, sparsity=0.5)
out["sparsegpt_one_block"] = sparsegpt(W, GRAM, 128, 0.01, sparsity=0.3)
out["sparsegpt_24"] = sparsegpt(W, GRAM, 8, 0.1, n=2, m=4)
out["sparsegpt_error"] = [relative_error(W, sparsegpt(W, GRAM, 8, 0.01, sparsity=0.5), GRAM)]
out["magnitude_error"] = [relative_error(W, W * torch_kept([W], 0.5, False).reshape(W.shape), GRAM)]
out["lamp"] = lamp(LAYERS, 0.6)
out["torch_global"] = torch_kept(LAYERS, 0.37, True)
out["torch_layer"] = torch_kept(LAYERS, 0.37, False)
path = sys.argv[1] if len(sys.argv) > 1 else "core/src/test/resources/golden/pruning.txt"
with open(path, "w") as f:
    f.write(f"# dev/golden/pruning.py, numpy {np.__version__}, torch {torch.__version__}\n")
    for name, values in out.items():
        f.write(name + " " + " ".join(repr(float(v)) for v in np.asarray(values, dtype=np.float64).flatten()) + "\n")
