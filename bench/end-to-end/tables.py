#!/usr/bin/env python3
"""Block tables: explode beside cp, reading a table beside its model, and what zstd leaves of BF16 weights.

usage: tables.py [DIRECTORY] [--gib 1] [--runs 3] [--weightloom COMMAND]

DIRECTORY (default ${TMPDIR:-/tmp}/weightloom-tables) gets a model of so many GiB of Gaussian BF16 weights on the first run, and tables
that are removed again. Prints JSON, medians of the runs. Each run finds the model in the page cache; compare figures of one run, never of two.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import struct
import subprocess
import time
from pathlib import Path

import bench

ROOT = Path(__file__).resolve().parents[2]
ROWS, COLUMNS = 4096, 4096


def gaussian(count):
    """BF16 bytes of N(0, 0.02²), rounded to nearest; one tensor's worth is enough to be shifted about."""
    rng = random.Random(1)
    out = bytearray()
    for _ in range(count):
        bits = struct.unpack("<I", struct.pack("<f", rng.gauss(0, 0.02)))[0]
        out += struct.pack("<H", (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 & 0xFFFF)
    return bytes(out)


def make(model, gib):
    tensor = 2 * ROWS * COLUMNS
    count = max(1, round(gib * 2**30 / tensor))
    names = [f"model.layers.{i}.mlp.up_proj.weight" for i in range(count)]
    header = {
        name: {"dtype": "BF16", "shape": [ROWS, COLUMNS], "data_offsets": [i * tensor, (i + 1) * tensor]}
        for i, name in enumerate(names)
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    noise = gaussian(1 << 20)
    noise = noise * (tensor // len(noise))
    model.mkdir(parents=True)
    with open(model / "part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for i in range(count):
            shift = 2 * (7919 * i % (1 << 20))
            file.write(noise[shift:] + noise[:shift])
    os.rename(model / "part", model / "model.safetensors")


def timed(command):
    """Wall seconds, CPU seconds, and what was printed."""
    begin, before = time.monotonic(), os.times()
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - begin, cpu, out


def read(path, *options):
    home = ROOT / "dist/target/weightloom"
    command = ["java", f"@{home}/conf/jvm.options", "-cp", f"{home}/lib/weightloom.jar:{home}/jars/*", str(Path(__file__).parent / "ReadBlocks.java")]
    return json.loads(timed([*command, str(path), "5", *options])[2])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", default=os.environ.get("TMPDIR", "/tmp") + "/weightloom-tables")
    parser.add_argument("--gib", type=float, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--weightloom", default=str(ROOT / "bin/weightloom"))
    args = parser.parse_args()
    directory = Path(args.directory)
    model = directory / f"model-{args.gib:g}"
    if not (model / "model.safetensors").exists():
        shutil.rmtree(model, ignore_errors=True)
        make(model, args.gib)
    size = (model / "model.safetensors").stat().st_size
    tiny = directory / "tiny"
    if not tiny.exists():
        tiny.mkdir()
        text = b'{"w":{"dtype":"BF16","shape":[1,4],"data_offsets":[0,8]}}' + b" " * 7
        (tiny / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    result = {"bytes": size, "cores": os.cpu_count()}
    runs = {"cp": [], "start": [], "none": [], "zstd": []}
    for _ in range(args.runs):
        for name in runs:
            out = directory / name
            shutil.rmtree(out, ignore_errors=True)
            bench.settle([model / "model.safetensors"])
            if name == "cp":
                out.mkdir()
                runs[name].append(timed(["cp", "--reflink=never", model / "model.safetensors", out])[:2])
                continue
            source, compression = (tiny, "none") if name == "start" else (model, name)
            *times, text = timed([args.weightloom, "explode", source, out, "--compress", compression, "--output", "json"])
            runs[name].append(times)
            if name != "start":
                result[f"{name}_ratio"] = json.loads(text)["models"][0]["ratio"]
    middle = {name: [statistics.median(column) for column in zip(*rows)] for name, rows in runs.items()}
    start = middle.pop("start")[0]
    result["start_seconds"] = round(start, 2)
    for name, (wall, cpu) in middle.items():
        result[f"{name}_seconds"] = round(wall, 2)
        result[f"{name}_cpu_seconds"] = round(cpu, 2)
        result[f"{name}_gbs"] = round(size / wall / 1e9, 2)
    for name in ("none", "zstd"):
        net = middle[name][0] - start
        result[f"{name}_without_start_gbs"] = round(size / net / 1e9, 2)
        result[f"{name}_without_start_share_of_cp"] = round(middle["cp"][0] / net, 2)
    result["read_safetensors"] = read(model)
    result["read_table"] = read(directory / "none")
    result["read_table_checked"] = read(directory / "none", "checked")
    result["read_zstd"] = read(directory / "zstd")
    for name in runs:
        shutil.rmtree(directory / name)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
