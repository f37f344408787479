#!/usr/bin/env python3
"""Prints the golden values of TiesByNormTest and DarexTest: functions of the papers' own repositories, taken from a checkout and called.

usage: VENV/bin/python dev/golden/paper_codes.py TIES_MERGING_CHECKOUT DAREX_CHECKOUT      (needs torch, numpy)

github.com/prateeky2806/ties-merging at 44e7891, github.com/vengdeng/DAREx at 0873fc2.
"""
import ast
import copy
import pathlib
import sys

import numpy as np
import torch

F1 = [[4, -1, .5, 5, .25, -3, 0, 1, -.5, 8], [-2, -2, .5, -5, -2, 1, .25, -1, 3, .125], [1, 3, -1, 0, 0, -1, .5, 2, 4, -6]]
F2 = [[4, -1, .5, 5, .25, -3, .75, 1.5], [-2.5, -2, .625, -5, -1.75, 1, .375, -1.25], [1, 3, -1.125, .125, .25, -.875, .5, 2]]
F3 = [[3, 1, 2], [-2, 2, -1.5], [-2, 1, -1.5]]
ROWS = [[.5, -.2, .1, .3], [1, 2, -.5, .25], [-.5, -1, .25, 0]]


def functions(path, *names):
    """These functions of a file, without what it imports."""
    tree = ast.parse(pathlib.Path(path).read_text())
    tree.body = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in names]
    scope = {"torch": torch, "np": np, "copy": copy}
    exec(compile(tree, str(path), "exec"), scope)
    return [scope[n] for n in names]


def main(ties, darex):
    std, nf, topk, resolve, merge, *_ = functions(
        pathlib.Path(ties) / "src/utils/merge_utils.py",
        "greater_than_std_mask", "topk_mask_preserve_normfrac", "topk_values_mask", "resolve_sign", "disjoint_merge",
        "resolve_zero_signs", "normfrac_based_sign", "normmass_based_sign")

    def show(name, trimmed, vote):
        t = torch.tensor(trimmed) if not torch.is_tensor(trimmed) else trimmed
        print(name, "kept", (t != 0).sum(1).tolist(), [round(v, 7) for v in merge(t, "dis-mean", resolve(t, vote)).tolist()])

    f1, f2, f3 = (torch.tensor(f, dtype=torch.float32) for f in (F1, F2, F3))
    show("std 1 F1", std(f1, 1)[0], "mass")
    show("std 0.5 F2", std(f2, .5)[0], "mass")
    show("nf 0.9 F1", nf(f1, .9)[0], "mass")
    show("nf 0.6 F1", nf(f1, .6)[0], "mass")
    show("nf 0.9", nf(torch.tensor([[3, -4, .5, 1]]), .9)[0], "mass")
    for vote in ("normfrac", "normmass"):
        show(f"{vote} 0.3 F1", topk(f1, .3)[0], vote)
        show(f"{vote} 0.99 F2", topk(f2, .99)[0], vote)
        show(f"{vote} F3", f3, vote)

    phi, solve = functions(pathlib.Path(darex) / "utils/analyticalq.py", "phi_func", "analytical_resolve_new")
    p, eta = .9, .45
    print("darex as it is", [round(q, 3) for q in solve(p, torch.tensor(ROWS, dtype=torch.float16), eta=eta).flatten().tolist()])
    c = np.array(ROWS)
    grid = np.arange(int((1 - p) * 1000), 999) * .001
    bound = np.abs(eta * (1 - (1 - p) / grid) * c.sum(1, keepdims=True) + eta ** 2 * phi(p) * (c ** 2).sum(1, keepdims=True) / (4 * grid ** 2) + np.log(2 / .05))
    print("darex least in fp64", [round(q, 3) for q in grid[bound.argmin(1)]])


if __name__ == "__main__":
    main(*sys.argv[1:])
