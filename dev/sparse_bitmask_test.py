#!/usr/bin/env python3
"""Loads a sparse-bitmask directory by compressed-tensors' own decompressor, alone and into a model. See sparse-bitmask.sh."""
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import compressed_tensors
import torch
from compressed_tensors.compressors import ModelCompressor
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def bits(t):
    """The bytes, but that -0 comes back as +0."""
    return torch.where(t == 0, torch.zeros_like(t), t).contiguous().view(torch.uint8)


def main(dense_dir, sparse_dir):
    dense = load_file(f"{dense_dir}/model.safetensors")
    stored = load_file(f"{sparse_dir}/model.safetensors")
    compressor = ModelCompressor.from_pretrained(sparse_dir)
    found = dict(compressor.sparsity_compressor.decompress(sparse_dir))
    packed = {n.removesuffix(".bitmask") + ".weight" for n in stored if n.endswith(".bitmask")}
    assert packed and packed <= found.keys() <= dense.keys(), found.keys() ^ packed
    for name, tensor in found.items():
        wanted = dense[name]
        assert (tensor.dtype, tensor.shape) == (wanted.dtype, wanted.shape), name
        assert torch.equal(bits(tensor), bits(wanted)), name
    zeros = sum(int((dense[n] == 0).sum()) for n in packed) / sum(dense[n].numel() for n in packed)
    assert 0.4 < zeros < 0.6, zeros

    # Into a model; from_pretrained cannot load the format, see docs/pruning.md.
    model = AutoModelForCausalLM.from_pretrained(dense_dir, dtype="auto")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in packed:
                weight.fill_(7)
    compressor.decompress(sparse_dir, model)
    for name, wanted in dense.items():
        assert torch.equal(bits(model.state_dict()[name]), bits(wanted)), name
    print(f"{len(packed)} matrices decompressed by compressed-tensors {compressed_tensors.__version__}, bit for bit")


if __name__ == "__main__":
    main(*sys.argv[1:])
