"""The shapes, configuration and safetensors layout of a Llama-shaped family. Standard library only.

A library of zoo.py and sparse_zoo.py, without a command of its own.
"""
import json
import struct
from math import prod
from pathlib import Path

SIZES = {
    "tiny": dict(hidden=64, inter=160, layers=2, heads=4, kv=2, vocab=512),
    "1.1b": dict(hidden=2048, inter=5632, layers=22, heads=32, kv=4, vocab=32000),
    "8x": dict(hidden=4096, inter=14336, layers=38, heads=32, kv=8, vocab=64000),
}
WIDTH = {"BF16": 2, "F16": 2, "F32": 4}
TORCH_NAME = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


def shapes(size):
    """Tensor name to shape, in the order in which Hugging Face writes them."""
    h, inter = size["hidden"], size["inter"]
    kv = h // size["heads"] * size["kv"]
    out = {"lm_head.weight": (size["vocab"], h), "model.embed_tokens.weight": (size["vocab"], h)}
    for i in range(size["layers"]):
        layer = f"model.layers.{i}."
        out[layer + "input_layernorm.weight"] = (h,)
        out[layer + "mlp.down_proj.weight"] = (h, inter)
        out[layer + "mlp.gate_proj.weight"] = (inter, h)
        out[layer + "mlp.up_proj.weight"] = (inter, h)
        out[layer + "post_attention_layernorm.weight"] = (h,)
        out[layer + "self_attn.k_proj.weight"] = (kv, h)
        out[layer + "self_attn.o_proj.weight"] = (h, h)
        out[layer + "self_attn.q_proj.weight"] = (h, h)
        out[layer + "self_attn.v_proj.weight"] = (kv, h)
    out["model.norm.weight"] = (h,)
    return out


def config(size, dtype):
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": size["hidden"],
        "intermediate_size": size["inter"], "num_hidden_layers": size["layers"],
        "num_attention_heads": size["heads"], "num_key_value_heads": size["kv"], "vocab_size": size["vocab"],
        "hidden_act": "silu", "rms_norm_eps": 1e-05, "max_position_embeddings": 2048, "initializer_range": 0.02,
        "rope_theta": 10000.0, "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": False,
        "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": TORCH_NAME[dtype],
    }


def shards(tensors, dtype, limit):
    """Cuts the tensors into files of at most `limit` bytes of data; a larger tensor has a file of its own."""
    groups, used = [{}], 0
    for name, shape in tensors.items():
        length = prod(shape) * WIDTH[dtype]
        if groups[-1] and used + length > limit:
            groups.append({})
            used = 0
        groups[-1][name] = shape
        used += length
    return groups


def header(group, dtype):
    """The header of one file, padded so that the data starts at a multiple of eight."""
    table, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in group.items():
        end = offset + prod(shape) * WIDTH[dtype]
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, offset


def lay_out(directory, size, dtype, limit):
    """Makes a model directory of full-length files without data; returns tensor name to (path, offset in the file)."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    groups, places, weight_map = shards(shapes(size), dtype, limit), {}, {}
    for i, group in enumerate(groups, 1):
        file = "model.safetensors" if len(groups) == 1 else f"model-{i:05d}-of-{len(groups):05d}.safetensors"
        head, length = header(group, dtype)
        with open(directory / file, "wb") as f:
            f.write(head)
            f.truncate(len(head) + length)
        offset = len(head)
        for name, shape in group.items():
            places[name] = (directory / file, offset)
            weight_map[name] = file
            offset += prod(shape) * WIDTH[dtype]
    if len(groups) > 1:
        total = sum(prod(s) for s in shapes(size).values()) * WIDTH[dtype]
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    (directory / "config.json").write_text(json.dumps(config(size, dtype), indent=2) + "\n")
    return places


def members(count):
    """The directory names of a family: the base and its fine-tuned models."""
    return ["base"] + [f"ft{i}" for i in range(1, count + 1)]


def add_size_options(parser, default):
    """Adds --size and one option for each dimension that overrides it."""
    parser.add_argument("--size", choices=SIZES, default=default)
    for name in SIZES["tiny"]:
        parser.add_argument("--" + name, type=int, help=f"overrides the {name} of --size")
    parser.add_argument("--models", type=int, default=3, help="fine-tuned models beside the base (default 3)")
    parser.add_argument("--shard", type=float, default=1.9e9, help="most bytes of data in one file (default 1.9e9)")


def chosen_size(args):
    size = dict(SIZES[args.size])
    size.update({k: getattr(args, k) for k in size if getattr(args, k) is not None})
    return size
