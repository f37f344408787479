#!/usr/bin/env python3
"""Makes a large Llama-shaped family of sparse files: valid headers and lengths, holes for data. Standard library only.

usage: sparse_zoo.py DIRECTORY [--size 8x|1.1b|tiny] [--hidden N ...] [--models 3] [--dtype bf16] [--shard 1.9e9]

The default has about eight times the parameters of zoo.py's, and takes next to no disk. All values are zero: use it for memory
and planning, not for time or results.
"""
import argparse
from math import prod
from pathlib import Path

import llama


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("directory", type=Path)
    llama.add_size_options(parser, "8x")
    parser.add_argument("--dtype", choices=["bf16", "f16", "f32"], default="bf16")
    args = parser.parse_args()
    size = llama.chosen_size(args)
    names = llama.members(args.models)
    for model in names:
        llama.lay_out(args.directory / model, size, args.dtype.upper(), args.shard)
    count = sum(prod(s) for s in llama.shapes(size).values())
    print(f"{args.directory}: {len(names)} models of {count / 1e9:.3f} G parameters, "
          f"{len(names) * count * llama.WIDTH[args.dtype.upper()] / 1e9:.1f} GB of holes")


if __name__ == "__main__":
    main()
