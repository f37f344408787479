#!/usr/bin/env python3
"""Makes a Llama-shaped family of random checkpoints, a base and fine-tuned models, the same bytes for the same seed.

usage: zoo.py DIRECTORY [--size tiny|1.1b|8x] [--hidden N ...] [--models 3] [--dtype bf16|f16|f32] [--shard 1.9e9] [--seed 7]

Needs numpy. Writes DIRECTORY/base, DIRECTORY/ft1, ... and last DIRECTORY/READY.
"""
import argparse
import json
import sys
import zlib
from math import prod
from pathlib import Path

try:
    import numpy as np
except ModuleNotFoundError:
    sys.exit("Cannot make the checkpoints: this Python has no numpy (use the environment that dev/peers.sh makes)")

import llama

CHUNK = 1 << 22


def encode(x, dtype):
    """The stored bytes of fp32 values, rounded to nearest even."""
    if dtype == "F32":
        return x.tobytes()
    if dtype == "F16":
        return x.astype(np.float16).tobytes()
    bits = x.view(np.uint32)
    bits += 0x7FFF + ((bits >> 16) & 1)
    return (bits >> 16).astype(np.uint16).tobytes()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("directory", type=Path)
    llama.add_size_options(parser, "1.1b")
    parser.add_argument("--dtype", choices=["bf16", "f16", "f32"], default="bf16")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    size, dtype = llama.chosen_size(args), args.dtype.upper()
    what = json.dumps({"size": size, "dtype": dtype, "models": args.models, "shard": args.shard, "seed": args.seed})
    ready = args.directory / "READY"
    if ready.exists() and ready.read_text() == what:
        print(f"{args.directory} is ready")
        return
    ready.unlink(missing_ok=True)
    names = llama.members(args.models)
    places = [llama.lay_out(args.directory / m, size, dtype, args.shard) for m in names]
    for tensor, shape in llama.shapes(size).items():
        # A stream for each tensor and model: a tensor keeps its values when the number of models or layers changes.
        streams = [np.random.Generator(np.random.SFC64([args.seed, zlib.crc32(tensor.encode()), m]))
                   for m in range(len(names))]
        norm = len(shape) == 1
        files = []
        for place in places:
            path, offset = place[tensor]
            f = open(path, "r+b")
            f.seek(offset)
            files.append(f)
        for start in range(0, prod(shape), CHUNK):
            n = min(CHUNK, prod(shape) - start)
            base = streams[0].standard_normal(n, dtype=np.float32)
            base *= np.float32(0.05 if norm else 0.02)
            if norm:
                base += np.float32(1)
            for m, f in enumerate(files):
                x = base.copy()
                if m:
                    delta = streams[m].standard_normal(n, dtype=np.float32)
                    delta *= np.float32(0.01 if norm else 0.002)
                    x += delta
                f.write(encode(x, dtype))
        for f in files:
            f.close()
    ready.write_text(what)
    count = sum(prod(s) for s in llama.shapes(size).values())
    print(f"{args.directory}: {len(names)} models of {count / 1e9:.3f} G parameters in {dtype}", file=sys.stderr)


if __name__ == "__main__":
    main()
