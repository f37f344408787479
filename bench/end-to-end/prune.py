#!/usr/bin/env python3
"""Global magnitude pruning: weightloom prune --scope model against torch.nn.utils.prune.global_unstructured, per parameter.

usage: prune.py [DIRECTORY] [--runs 3] [--size 1.1b] [--torch-parameters 300000000] [--sparsity 0.5] [--venv VENV]
                [--weightloom COMMAND] [--gate] [--json FILE]

Both end with weights on disk: torch loads safetensors, prunes, makes the pruning permanent and saves. Torch is measured on
so many parameters of layers of the same shapes, for its sort takes tens of bytes a parameter. With --gate it exits with 4 if
weightloom is less than 20 times as fast per parameter, or needs more than 2 GiB. The figures go with the machine.
"""
import argparse
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from bench import ROOT, timed

HERE = Path(__file__).resolve().parent
FASTER, PEAK_MIB = 20.0, 2048
TORCH = """
import json, sys, time, torch
import torch.nn.utils.prune as prune
from safetensors import safe_open
from safetensors.torch import save_file
model, out, most, sparsity = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
import glob
start, tensors, total = time.monotonic(), {}, 0
for path in sorted(glob.glob(model + "/*.safetensors")):
    with safe_open(path, "pt") as f:
        for name in f.keys():
            t = f.get_slice(name)
            shape = t.get_shape()
            if ".layers." in name and len(shape) == 2 and total < most:
                tensors[name] = f.get_tensor(name)
                total += tensors[name].numel()
modules = {}
for name, t in tensors.items():
    m = torch.nn.Module()
    m.weight = torch.nn.Parameter(t, requires_grad=False)
    modules[name] = m
prune.global_unstructured([(m, "weight") for m in modules.values()], prune.L1Unstructured, amount=sparsity)
for m in modules.values():
    prune.remove(m, "weight")
save_file({n: m.weight.data for n, m in modules.items()}, out)
print(json.dumps({"parameters": total, "seconds": time.monotonic() - start}))
"""


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("directory", nargs="?", type=Path, default=Path("/tmp/weightloom-bench"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", default="1.1b")
    parser.add_argument("--torch-parameters", type=int, default=300_000_000)
    parser.add_argument("--sparsity", type=float, default=0.5)
    parser.add_argument("--venv", type=Path, default=Path.home() / ".cache/weightloom/peers")
    parser.add_argument("--weightloom", default=str(ROOT / "bin/weightloom"))
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    python = args.venv / "bin/python"
    zoo = args.directory / f"zoo-{args.size}"
    if not (zoo / "READY").exists():
        subprocess.run([python, HERE / "zoo.py", zoo, "--size", args.size, "--models", "1"], check=True)
    out, log = args.directory / "pruned", args.directory / "prune.log"
    ours = []
    for _ in range(args.runs):
        shutil.rmtree(out, ignore_errors=True)
        run = timed([args.weightloom, "prune", zoo / "base", out, "--sparsity", args.sparsity, "--scope", "model",
                     "--output", "json", "--progress", "none"], log)
        text = log.read_text()
        said = json.loads(text[text.index("{"):text.rindex("}") + 1])
        ours.append(run | {"parameters": said["weights"], "inside_s": said["seconds"], "sparsity": said["sparsity"]})
    shutil.rmtree(out, ignore_errors=True)
    peer = timed([python, "-c", TORCH, zoo / "base", args.directory / "pruned.safetensors", args.torch_parameters,
                  args.sparsity], log)
    said = json.loads(log.read_text().strip().splitlines()[-1])
    (args.directory / "pruned.safetensors").unlink()
    best = min(ours, key=lambda r: r["wall_s"])
    median = statistics.median(r["wall_s"] for r in ours)
    nanos = median / best["parameters"] * 1e9
    torch_nanos = said["seconds"] / said["parameters"] * 1e9
    peak = max(r["rss_mib"] for r in ours)
    print("| | parameters | wall s | ns a parameter | peak RSS MiB | anonymous MiB |\n|---|---|---|---|---|---|")
    print(f"| weightloom prune --scope model | {best['parameters']} | {median:.1f} (least {best['wall_s']:.1f}) "
          f"| {nanos:.2f} | {peak:.0f} | {max(r['anonymous_mib'] for r in ours):.0f} |")
    print(f"| torch global_unstructured (import not counted) | {said['parameters']} | {said['seconds']:.1f} "
          f"| {torch_nanos:.2f} | {peer['rss_mib']:.0f} | {peer['anonymous_mib']:.0f} |")
    print(f"\n{torch_nanos / nanos:.1f} times as fast per parameter; realised sparsity {best['sparsity']:.9f}.")
    if args.json:
        args.json.write_text(json.dumps({"weightloom": ours, "torch": peer | said}, indent=2) + "\n")
    if args.gate and (torch_nanos / nanos < FASTER or peak > PEAK_MIB):
        sys.exit(4)


if __name__ == "__main__":
    main()
