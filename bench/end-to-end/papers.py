#!/usr/bin/env python3
"""Fisher-weighted averaging and Consensus beside TIES: the same models, settled alike, in turn.

usage: papers.py [DIRECTORY] [--runs 3] [--size 1.1b] [--venv VENV] [--weightloom COMMAND] [--gate] [--json FILE]

Fisher takes a diagonal for each model: here the model's own magnitudes, in its dtype, for it is their bytes that count.
With --gate it exits with 4 if one of the two takes more than twice as long as TIES. The figures go with the machine.
"""
import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from bench import ROOT, settle, timed, weights

HERE = Path(__file__).resolve().parent
SLOWER = 2.0
DIAGONAL = """
import pathlib, sys, torch
from safetensors.torch import load_file, save_file
for model, table in zip(sys.argv[1::2], sys.argv[2::2]):
    out = {}
    for file in sorted(pathlib.Path(model).glob("*.safetensors")):
        out.update({n: t.abs() for n, t in load_file(file).items()})
    save_file(out, table)
"""
PARAMETERS = {"ties": {"weight": 0.4, "density": 0.5}, "consensus": {"weight": 0.4}, "fisher": {}}


def recipe(method, zoo, tables, path):
    """Writes the recipe, and gives the directories and files that it reads."""
    models = [zoo / f"ft{i}" for i in (1, 2, 3)]
    text = {"merge_method": method, "dtype": "bfloat16",
            "models": [{"model": str(m), "parameters": PARAMETERS[method]} for m in models]}
    reads = [f for m in models for f in weights(m)]
    if method == "fisher":
        text["weightloom"] = {"side_tables": {"fisher": {str(m): str(t) for m, t in zip(models, tables)}}}
        reads += tables
    else:
        text["base_model"] = str(zoo / "base")
        reads += weights(zoo / "base")
    path.write_text(json.dumps(text))
    return reads


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("directory", nargs="?", type=Path, default=Path("/tmp/weightloom-bench"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", default="1.1b")
    parser.add_argument("--venv", type=Path, default=Path.home() / ".cache/weightloom/peers")
    parser.add_argument("--weightloom", default=str(ROOT / "bin/weightloom"))
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    python, zoo = args.venv / "bin/python", args.directory / "zoo"
    if not (zoo / "READY").exists():
        subprocess.run([python, HERE / "zoo.py", zoo, "--size", args.size], check=True)
    tables = [args.directory / f"fisher-{i}.safetensors" for i in (1, 2, 3)]
    if not all(t.exists() for t in tables):
        pairs = [p for i, t in enumerate(tables, 1) for p in (zoo / f"ft{i}", t)]
        subprocess.run([python, "-c", DIAGONAL, *pairs], check=True)

    out, log, runs = args.directory / "merged", args.directory / "papers.log", {m: [] for m in PARAMETERS}
    for _ in range(args.runs):
        for method in PARAMETERS:
            path = args.directory / f"{method}-papers.yml"
            reads = recipe(method, zoo, tables, path)
            shutil.rmtree(out, ignore_errors=True)
            settle(reads)
            runs[method].append(timed([args.weightloom, "merge", path, out, "--progress", "none"], log)
                                | {"bytes": sum(f.stat().st_size for f in reads)})
    shutil.rmtree(out, ignore_errors=True)

    seconds = {m: statistics.median(r["wall_s"] for r in runs[m]) for m in PARAMETERS}
    print("| method | seconds | times as long as ties | CPU s | GB of inputs |\n|---|---|---|---|---|")
    for m in PARAMETERS:
        cpu = statistics.median(r["cpu_s"] for r in runs[m])
        print(f"| {m} | {seconds[m]:.1f} | {seconds[m] / seconds['ties']:.2f} | {cpu:.1f} | {runs[m][0]['bytes'] / 1e9:.1f} |")
    if args.json:
        args.json.write_text(json.dumps(runs, indent=1))
    if args.gate and max(seconds.values()) > SLOWER * seconds["ties"]:
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
