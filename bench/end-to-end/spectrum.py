#!/usr/bin/env python3
"""Spectra side by side in one run: `weightloom spectrum --mode weightwatcher` and WeightWatcher 0.7.7, on the same cores.

usage: spectrum.py [DIRECTORY] [--runs 3] [--peer-runs 1] [--side 4096] [--model MODEL] [--no-model] [--cores N] [--no-peer]
                   [--venv VENV] [--gate] [--json FILE] [--weightloom COMMAND] [--java-options TEXT]

DIRECTORY (default ${TMPDIR:-/tmp}/weightloom-spectrum) gets a model of one SIDE x SIDE matrix on the first run. MODEL is a directory of
safetensors; without one, a Llama of 1.1 G random parameters is made (zoo.py, one model, 2.2 GB). VENV has weightwatcher==0.7.7, torch,
safetensors and numpy: dev/venv.sh weightwatcher-golden weightwatcher==0.7.7 powerlaw==1.5 torch safetensors makes one and prints its path.

Two times of each program: the whole process, and without its start: for weightloom its own clock less that of a run on a matrix of
16 x 16, which is the start of Spark; for WeightWatcher analyze alone, from loaded weights. Also the largest relative difference of
alpha. With --gate it exits with 4 if a
promise is missed. Compare columns of one run, never numbers of two.
"""
import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import bench

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FASTER = {"matrix": 3.0, "model": 5.0}  # times as fast as WeightWatcher without the starts, at least
ALPHA = 1e-6  # relative

MATRIX = """
import sys, numpy, torch
from safetensors.torch import save_file
side = int(sys.argv[2])
noise = numpy.random.default_rng(7).standard_normal((side, side), dtype=numpy.float32)
noise *= (1 + numpy.arange(side, dtype=numpy.float32)) ** -0.25  # columns of falling size: a tail to fit
save_file({"model.layers.0.mlp.up_proj.weight": torch.from_numpy(noise / 64)}, sys.argv[1])
"""

PEER = """
import json, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import torch, weightwatcher
from safetensors.torch import load_file
state = {}
for path in sorted(Path(sys.argv[1]).glob("*.safetensors")):
    state |= {n: t.float() for n, t in load_file(path).items()}
begin = time.monotonic()
watcher = weightwatcher.WeightWatcher(model=state)
details = watcher.analyze()
seconds = time.monotonic() - begin
alphas = {}
for _, row in details.iterrows():
    name = str(row.get("longname") or row["name"])
    alphas[name if name in state else name + ".weight"] = float(row["alpha"])
Path(sys.argv[2]).write_text(json.dumps({"seconds": seconds, "alphas": alphas, "threads": torch.get_num_threads()}))
"""


def pinned(command, cores):
    return [*(["taskset", "-c", f"0-{cores - 1}"] if cores else []), *command]


def ours(args, model, work):
    command = [*shlex.split(args.weightloom), "spectrum", model, "--mode", "weightwatcher", "--no-bulk", "--output", "json", "--progress", "none"]
    env = {"JAVA_TOOL_OPTIONS": f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {args.java_options}".strip()} if args.java_options else {}
    best = None
    for _ in range(args.runs):
        with open(work / "out.json", "w") as out:
            begin = time.monotonic()
            done = subprocess.run([str(c) for c in pinned(command, args.cores)], stdout=out, stderr=subprocess.PIPE, text=True, env=os.environ | env)
            wall = time.monotonic() - begin
        if done.returncode:
            raise bench.Failed(f"`{shlex.join(str(c) for c in command)}` ended with {done.returncode}: {done.stderr[-300:]}")
        result = json.loads((work / "out.json").read_text())
        run = {"wall_s": wall, "inside_s": result["seconds"]}
        run["alphas"] = {r["tensor"]: r["alpha"] for r in result["tables"]["spectrum"]["rows"] if r["status"] == "ok"}
        best = run if best is None or run["inside_s"] < best["inside_s"] else best
    return best


def peer(args, model, work):
    best = None
    for _ in range(args.peer_runs):
        command = pinned([args.venv / "bin/python", "-c", PEER, model, work / "peer.json"], args.cores)
        timed = bench.timed(command, work / "peer.log", limit=4 * 3600)
        result = json.loads((work / "peer.json").read_text())
        run = {"wall_s": timed["wall_s"], "inside_s": result["seconds"], "alphas": result["alphas"], "threads": result["threads"]}
        best = run if best is None or run["inside_s"] < best["inside_s"] else best
    return best


def compare(row, start):
    row["ours"]["net_s"] = max(0.001, row["ours"]["inside_s"] - start)
    mine, theirs = row["ours"]["alphas"], row["peer"]["alphas"]
    row["tensors"] = len(mine)
    row["only_ours"], row["only_peer"] = sorted(mine.keys() - theirs.keys()), sorted(theirs.keys() - mine.keys())
    both = mine.keys() & theirs.keys()
    row["alpha_off"] = max((abs(mine[n] - theirs[n]) / abs(theirs[n]) for n in both), default=float("nan"))
    row["times_as_fast"] = row["peer"]["inside_s"] / row["ours"]["net_s"]
    row["times_as_fast_whole"] = row["peer"]["wall_s"] / row["ours"]["wall_s"]


def matrix(args, python, side):
    directory = args.directory / f"matrix-{side}"
    if not (directory / "model.safetensors").exists():
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run([python, "-c", MATRIX, directory / "part", str(side)], check=True)
        os.rename(directory / "part", directory / "model.safetensors")
    return directory


def prepare(args):
    python = args.venv / "bin/python" if (args.venv / "bin/python").exists() else Path(sys.executable)
    models = {"start": matrix(args, python, 16), "matrix": matrix(args, python, args.side)}
    if args.model:
        models["model"] = args.model
    elif not args.no_model:
        zoo = args.directory / "zoo"
        if subprocess.run([python, HERE / "zoo.py", zoo, "--size", "1.1b", "--models", "0"]).returncode:
            raise bench.Failed(f"Cannot make {zoo} with {python} (name a model with --model)")
        models["model"] = zoo / "base"
    return models


def markdown(result):
    m = result["machine"]
    lines = [f"{m['cpu']}, {result['cores']} cores; load {m['load_before']:.1f} before, {m['load_after']:.1f} after",
             f"weightloom {m['weightloom']} ({m['commit']}); {m['java']}; {result.get('peer_version', 'no peer')}", "",
             "| what | matrices | weightloom s (whole process) | WeightWatcher s (whole process) | times as fast (whole) | alpha, largest relative difference |",
             "|---|---|---|---|---|---|"]
    for name, row in result["models"].items():
        p = row.get("peer")
        lines.append(f"| {name} | {len(row['ours']['alphas'])} | {row['ours'].get('net_s', row['ours']['inside_s'] - result['start_s']):.1f} ({row['ours']['wall_s']:.1f}) | "
                     + (f"{p['inside_s']:.1f} ({p['wall_s']:.1f}) | {row['times_as_fast']:.1f} ({row['times_as_fast_whole']:.1f}) | {row['alpha_off']:.1e} |" if p else "– | – | – |"))
        if p and (row["only_ours"] or row["only_peer"]):
            lines.append(f"\nonly in one: {row['only_ours'][:5]} {row['only_peer'][:5]}\n")
    return "\n".join(lines)


def missed(result):
    out = []
    for name, row in result["models"].items():
        if "peer" in row:
            if row["times_as_fast"] < FASTER[name]:
                out.append(f"{name} is {row['times_as_fast']:.1f} times as fast, promised {FASTER[name]:g}")
            if not row["alpha_off"] <= ALPHA:
                out.append(f"alpha of {name} is {row['alpha_off']:.1e} off, promised {ALPHA:g}")
    return out


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "weightloom/weightwatcher")
    parser.add_argument("directory", type=Path, nargs="?", default=Path(os.environ.get("TMPDIR", "/tmp"), "weightloom-spectrum"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-runs", type=int, default=1)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--no-model", action="store_true")
    parser.add_argument("--cores", type=int, default=0, help="the first so many cores for both (default: all)")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--venv", type=Path, default=cache)
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--json", type=Path, help="default DIRECTORY/spectrum.json")
    parser.add_argument("--weightloom", default=str(ROOT / "bin/weightloom"))
    parser.add_argument("--java-options")
    args = parser.parse_args()
    args.directory, args.venv = args.directory.resolve(), args.venv.absolute()
    args.directory.mkdir(parents=True, exist_ok=True)
    try:
        models = prepare(args)
        result = {"machine": bench.machine(None, shlex.split(args.weightloom), {}), "models": {}}
        result["cores"] = args.cores or len(os.sched_getaffinity(0))
        if not args.no_peer:
            code = "import importlib.metadata as m; print(*(p + ' ' + m.version(p) for p in ('weightwatcher', 'torch', 'numpy')), sep=', ')"
            result["peer_version"] = subprocess.run([args.venv / "bin/python", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        result["start_s"] = ours(args, models.pop("start"), args.directory)["inside_s"]
        for name, model in models.items():
            bench.read_once(bench.weights(model))
            row = result["models"][name] = {"ours": ours(args, model, args.directory)}
            if not args.no_peer:
                row["peer"] = peer(args, model, args.directory)
                compare(row, result["start_s"])
            print(f"{name}: done", file=sys.stderr, flush=True)
        result["machine"]["load_after"] = os.getloadavg()[0]
    except (bench.Failed, OSError, subprocess.CalledProcessError) as e:
        sys.exit(f"{e}")
    (args.json or args.directory / "spectrum.json").write_text(json.dumps(result, indent=2) + "\n")
    print(markdown(result))
    broken = missed(result)
    for line in broken:
        print(f"missed: {line}", file=sys.stderr)
    sys.exit(4 if args.gate and broken else 0)


if __name__ == "__main__":
    main()
