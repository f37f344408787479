#!/usr/bin/env python3
"""The golden values of the format sparse-bitmask, from compressed-tensors itself; and a decoder of it that is none of its.

usage: sparse_bitmask.py                          writes spark-jobs/src/test/resources/golden/sparse_bitmask.txt
       sparse_bitmask.py --check DENSE SPARSE     decodes what `prune --format sparse_bitmask` wrote, with NumPy alone, and
                                                  compares it with what `prune` wrote

The golden file is a line a tensor: matrix, part, dtype, shape, bytes in hexadecimal. SparseBitmaskTest makes the same matrices.
"""
import json
import pathlib
import sys

import numpy as np

PATH = "spark-jobs/src/test/resources/golden/sparse_bitmask.txt"
ITEM = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U8": 1}


def matrix(rows, columns, step):
    """Eighths, which every dtype holds; one in `step` is not 0; the last element is -0."""
    i = np.arange(rows)[:, None]
    j = np.arange(columns)[None, :]
    k = 5 * i + 3 * j + i * j
    v = np.where(k % step == 0, (k % 17 - 8.5) / 4, 0.0)
    v[-1, -1] = -0.0
    return v


def golden():
    import compressed_tensors
    import torch
    from compressed_tensors.compressors.sparse_compressors.sparse_bitmask import BitmaskCompressor
    from compressed_tensors.config import BitmaskConfig

    compressor = BitmaskCompressor(config=BitmaskConfig())
    lines = [f"# dev/golden/sparse_bitmask.py, compressed-tensors {compressed_tensors.__version__}, torch {torch.__version__}"]
    cases = [("bf16", 9, 21, 2, torch.bfloat16), ("f16", 4, 8, 3, torch.float16), ("f32", 5, 16, 4, torch.float32)]
    for name, rows, columns, step, dtype in cases:
        dense = torch.tensor(matrix(rows, columns, step)).to(dtype)
        for part, t in compressor.compress({f"{name}.weight": dense}).items():
            data = t.contiguous().view(torch.uint8).numpy().tobytes()
            lines.append(" ".join([part, str(t.dtype), ",".join(map(str, t.shape)), data.hex()]))
    pathlib.Path(PATH).write_text("\n".join(lines) + "\n")


def read(directory):
    tensors = {}
    for file in sorted(pathlib.Path(directory).glob("*.safetensors")):
        data = file.read_bytes()
        length = int.from_bytes(data[:8], "little")
        for name, entry in json.loads(data[8 : 8 + length]).items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                raw = np.frombuffer(data[8 + length + begin : 8 + length + end], np.uint8)
                tensors[name] = (entry["dtype"], entry["shape"], raw)
    return tensors


def decode(tensors, module):
    dtype, _, values = tensors[module + ".compressed"]
    rows, columns = tensors[module + ".shape"][2].view("<i8")
    _, bits_shape, bits = tensors[module + ".bitmask"]
    offsets = tensors[module + ".row_offsets"][2].view("<i8")
    assert bits_shape == [rows, (columns + 7) // 8], bits_shape
    values = values.reshape(-1, ITEM[dtype])
    kept = np.unpackbits(bits.reshape(bits_shape), axis=1, bitorder="little")
    assert not kept[:, columns:].any(), "bits behind a row"
    out = np.zeros((rows, columns, ITEM[dtype]), np.uint8)
    for r in range(rows):
        places = np.flatnonzero(kept[r])
        out[r, places] = values[offsets[r] : offsets[r] + places.size]
    assert kept.sum() == len(values), "values"
    return dtype, [rows, columns], out.reshape(-1)


def check(dense_dir, sparse_dir):
    dense, sparse = read(dense_dir), read(sparse_dir)
    config = json.loads((pathlib.Path(sparse_dir) / "config.json").read_text())
    modules = config["quantization_config"]["sparsity_config"]["targets"]
    for module in modules:
        dtype, shape, raw = decode(sparse, module)
        wanted = dense.pop(module + ".weight")
        assert (dtype, shape) == wanted[:2], module
        width = ITEM[dtype]
        a, b = raw.reshape(-1, width), wanted[2].reshape(-1, width).copy()
        b[(b[:, :-1] == 0).all(axis=1) & (b[:, -1] == 0x80)] = 0  # -0 comes back as +0
        assert (a == b).all(), module
        for part in ("compressed", "bitmask", "row_offsets", "shape"):
            del sparse[f"{module}.{part}"]
    assert dense.keys() == sparse.keys()
    for name, (dtype, shape, raw) in dense.items():
        assert (dtype, shape) == sparse[name][:2] and (raw == sparse[name][2]).all(), name
    print(f"{len(modules)} matrices decoded as they were, {len(dense)} tensors the same")


if __name__ == "__main__":
    check(*sys.argv[2:]) if sys.argv[1:2] == ["--check"] else golden()
