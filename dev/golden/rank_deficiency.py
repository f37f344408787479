#!/usr/bin/env python3
"""Prints how many eigenvalues of a Gram matrix lie below a bound, by numpy's symmetric eigenvalues; RankDeficiencyTest holds the counts.

usage: VENV/bin/python dev/golden/rank_deficiency.py        (VENV is the environment of dev/peers.sh; needs numpy)
"""
import numpy as np

BOUNDS = [1e-9, 0.05, 1.0, 5.0, 100.0]


def activations(samples, width, seed):
    """Matrices.formula of the tests: remainders and a decaying diagonal, rounded to F32."""
    i, j = np.arange(samples, dtype=np.int64)[:, None], np.arange(width, dtype=np.int64)[None, :]
    remainder = (37 * i + 101 * j + i * j * (7 + seed) + 13 * seed) % 1009
    return (remainder / 1009.0 - 0.5 + np.where(i == j, 4.0 / (1 + i), 0)).astype(np.float32).astype(np.float64)


if __name__ == "__main__":
    print("numpy", np.__version__)
    for samples, width, seed in ((20, 48, 12), (64, 32, 13)):
        x = activations(samples, width, seed)
        values = np.linalg.eigvalsh(x.T @ x)
        print(f"{samples} x {width}:", ", ".join(f"{b:g}: {int((values < b).sum())}" for b in BOUNDS), "| nearest ratio to a bound",
              f"{min(abs(np.log10(np.abs(values) / b)).min() for b in BOUNDS):.3f}")
