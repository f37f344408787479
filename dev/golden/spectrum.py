#!/usr/bin/env python3
"""The golden columns of spectra, from WeightWatcher 0.7.7 itself.

usage: spectrum.py [OUT]      (default core/src/test/resources/golden/weightwatcher/spectra.tsv)

Needs weightwatcher==0.7.7, torch, and powerlaw==1.5 for "xmin_peak" (WeightWatcher does not know what 2.0 takes), on a machine
without a GPU: with one, WeightWatcher casts to fp16 first.
Runs `analyze(mp_fit=True, detX=True)`, once plain, once with fix_fingers="clip_xmax", once with "xmin_peak", on tensors that a formula
makes (Matrices.formula in the tests has the same), as the state dict of one model, and writes a line for each tensor and
column: what WeightWatcher drops has no line but "skipped". Of "xmin_peak" only the columns of the power law are written, for tensors
that have one: its summary counts an alpha of -1 where there is none.
"""
import importlib.metadata
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import weightwatcher as ww

OUT = Path(__file__).resolve().parents[2] / "core/src/test/resources/golden/weightwatcher/spectra.tsv"
TENSORS = {
    "a.weight": (120, 60, 0, (120, 60)),
    "b.weight": (60, 120, 1, (60, 120)),
    "c.weight": (80, 80, 2, (80, 80)),
    "tall.weight": (400, 25, 3, (400, 25)),
    "conv.weight": (24, 162, 4, (24, 18, 3, 3)),
    "point.weight": (40, 30, 5, (40, 30, 1, 1)),
    "narrow.weight": (40, 9, 6, (40, 9)),
    "long.weight": (50001, 12, 7, (50001, 12)),
    "experts.weight": (4, 400, 8, (4, 20, 20)),
    "norm.weight": (1, 64, 9, (64,)),
    "q_proj": (40, 40, 10, (40, 40)),
    "tiny.weight": (30, 7, 11, (30, 7)),
}
COLUMNS = ["N", "M", "Q", "rf", "num_evals", "norm", "log_norm", "spectral_norm", "log_spectral_norm", "stable_rank", "sv_max", "sv_min",
           "matrix_rank", "rank_loss", "weak_rank_loss", "entropy", "alpha", "xmin", "xmax", "D", "sigma", "num_pl_spikes",
           "alpha_weighted", "log_alpha_norm", "warning", "num_spikes", "sigma_mp", "mp_softrank", "bulk_min", "bulk_max", "W_scale",
           "detX_num", "detX_val"]
POWER_LAW = ["alpha", "xmin", "xmax", "D", "sigma", "num_pl_spikes", "alpha_weighted", "log_alpha_norm", "warning"]


def matrix(rows, columns, seed):
    i, j = np.arange(rows, dtype=np.int64)[:, None], np.arange(columns, dtype=np.int64)[None, :]
    remainder = (37 * i + 101 * j + i * j * (7 + seed) + 13 * seed) % 1009
    return (remainder / 1009.0 - 0.5 + np.where(i == j, 4.0 / (1 + i), 0)).astype(np.float32)


def main():
    warnings.simplefilter("ignore")
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    version = importlib.metadata.version("weightwatcher")
    if torch.cuda.is_available() or version != "0.7.7":
        sys.exit(f"Cannot make the golden values with weightwatcher {version}{' on a GPU' if torch.cuda.is_available() else ''}")
    state = {name: torch.from_numpy(matrix(r, c, s).reshape(shape)) for name, (r, c, s, shape) in TENSORS.items()}
    lines = [f"# weightwatcher {version}, numpy {np.__version__}, torch {torch.__version__}", "run\ttensor\tcolumn\tvalue"]
    runs = {"plain": {}, "clip_xmax": {"fix_fingers": "clip_xmax"}, "xmin_peak": {"fix_fingers": "xmin_peak", "pl_package": "powerlaw"}}
    for run, options in runs.items():
        watcher = ww.WeightWatcher(model=state)
        details = watcher.analyze(mp_fit=True, detX=True, **options)
        found = {}
        for _, row in details.iterrows():
            name = str(row["longname"] if "longname" in row and row["longname"] else row["name"])
            found[name if name in TENSORS else name + ".weight"] = row
        for name in TENSORS:
            row = found.get(name)
            if run == "xmin_peak" and (row is None or row["alpha"] < 0):
                continue
            if row is None or row.get("status") not in ("success", None):
                lines.append(f"{run}\t{name}\tskipped\t1")
                continue
            for column in {"plain": COLUMNS, "clip_xmax": COLUMNS + ["num_fingers", "raw_alpha"], "xmin_peak": POWER_LAW}[run]:
                if column in row and row[column] is not None:
                    value = row[column]
                    lines.append(f"{run}\t{name}\t{column}\t{value if isinstance(value, str) else repr(float(value))}")
        for column, value in watcher.get_summary(details).items() if run != "xmin_peak" else ():
            lines.append(f"{run}\tsummary\t{column}\t{float(value)!r}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n")
    print(f"{len(lines)} lines in {out}")


if __name__ == "__main__":
    main()
