#!/usr/bin/env python3
"""Makes golden data: tiny checkpoints, and what the command mergekit-yaml makes of them.

usage: VENV/bin/python dev/golden/mergekit.py [--check] [--out DIRECTORY] [CASE...]

VENV is the environment of dev/peers.sh. Without CASE every case is made anew. With --check nothing is written: the stored data
is compared with an emulation in numpy (emulate.py) that states every rounding.
"""
import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import emulate
import recipes
import zoo

OUT = Path(__file__).resolve().parents[2] / "spark-jobs/src/test/resources/golden/mergekit"
OPTIONS = ["--no-cuda", "--num-threads", "1", "--no-copy-tokenizer", "--no-write-model-card", "--quiet"]


def run(name, out):
    text, rule, options = recipes.CASES[name]
    directory = out / "cases" / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "recipe.yml").write_text(text)
    with tempfile.TemporaryDirectory() as scratch:
        recipe, merged = Path(scratch, "recipe.yml"), Path(scratch, "merged")
        recipe.write_text(text.replace("{ZOO}", str(out / "zoo")))
        command = [Path(sys.executable).parent / "mergekit-yaml", recipe, merged, *OPTIONS, *options]
        # One thread: mergekit's sums over a whole tensor depend on how many there are.
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        if done.returncode:
            shutil.rmtree(directory)
            return f"mergekit-yaml ended with {done.returncode}: {done.stderr.strip().splitlines()[-1][:300]}"
        zoo.write(directory / "expected.safetensors", zoo.read_model(merged))
        shutil.copyfile(merged / "config.json", directory / "expected-config.json")
    if rule.startswith("most"):
        # What the lowest-index rule for tied magnitudes gives, less a margin for another equally good rule.
        same, total, _, _, tied = emulate.compare(out, name)
        rule = f"most {int((same / total - 0.01) * 1000) / 1000}"
        zoo.write(directory / "tied.safetensors", {n: ("U8", t.shape, t.astype("u1").tobytes()) for n, t in tied.items()})
    (directory / "rule").write_text(rule + "\n")
    return None


def versions():
    lines = [f"python {platform.python_version()}"]
    lines += [f"{p} {version(p)}" for p in ("mergekit", "torch", "transformers", "safetensors", "numpy")]
    capability = subprocess.run([sys.executable, "-c", "import torch; print(torch.backends.cpu.get_cpu_capability())"],
                                capture_output=True, text=True, check=True).stdout.strip()
    lines += ["device cpu", f"torch_cpu_capability {capability}", "OMP_NUM_THREADS 1", "options " + " ".join(OPTIONS)]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    unknown = set(args.cases) - set(recipes.CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    names = args.cases or list(recipes.CASES)
    if args.check:
        sys.exit(emulate.check(args.out, names))
    if not args.cases:
        shutil.rmtree(args.out / "cases", ignore_errors=True)
    for stale in {p.name for p in (args.out / "cases").glob("*")} - set(recipes.CASES):
        shutil.rmtree(args.out / "cases" / stale)
    zoo.make(args.out / "zoo")
    failed = 0
    for name in names:
        problem = run(name, args.out)
        failed += problem is not None
        print(f"{name}: {problem or 'made'}", flush=True)
    (args.out / "VERSIONS").write_text(versions())
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
