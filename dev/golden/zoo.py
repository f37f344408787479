"""The tiny checkpoints of the golden data: values, dtypes and safetensors files. A library; needs numpy.

`odd` has two layers whose shapes are chosen for their element counts (1, 63, 64, 99, 100, 101, 189, 1023, 4096), not to agree with
the configuration: merging needs no forward pass. `deep` is a four-layer Llama that Transformers can load.
"""
import json
import struct
import zlib
from math import prod

import numpy as np

DTYPES = {"f32": "F32", "bf16": "BF16", "f16": "F16"}
TORCH = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
MODELS = ["base", "ft1", "ft2", "ft3"]

ODD_LAYER = {
    "input_layernorm.weight": (63,), "post_attention_layernorm.weight": (1,), "self_attn.q_proj.weight": (1, 101),
    "self_attn.k_proj.weight": (9, 11), "self_attn.v_proj.weight": (10, 10), "self_attn.o_proj.weight": (10, 10),
    "mlp.gate_proj.weight": (3, 63), "mlp.up_proj.weight": (3, 63), "mlp.down_proj.weight": (63, 3),
}
DEEP_LAYER = {
    "input_layernorm.weight": (10,), "post_attention_layernorm.weight": (10,), "self_attn.q_proj.weight": (12, 10),
    "self_attn.k_proj.weight": (6, 10), "self_attn.v_proj.weight": (6, 10), "self_attn.o_proj.weight": (10, 12),
    "mlp.gate_proj.weight": (13, 10), "mlp.up_proj.weight": (13, 10), "mlp.down_proj.weight": (10, 13),
}


def shapes(family):
    layer, count, ends = {
        "odd": (ODD_LAYER, 2, {"model.embed_tokens.weight": (64, 64), "lm_head.weight": (33, 31), "model.norm.weight": (64,)}),
        "deep": (DEEP_LAYER, 4, {"model.embed_tokens.weight": (23, 10), "lm_head.weight": (23, 10), "model.norm.weight": (10,)}),
    }[family]
    return ends | {f"model.layers.{i}.{n}": s for i in range(count) for n, s in layer.items()}


def config(family, dtype):
    deep = family == "deep"
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 10 if deep else 64,
        "intermediate_size": 13 if deep else 63, "num_hidden_layers": 4 if deep else 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": 6 if deep else 32, "vocab_size": 23 if deep else 64, "hidden_act": "silu",
        "rms_norm_eps": 1e-05, "max_position_embeddings": 64, "initializer_range": 0.02, "rope_theta": 10000.0,
        "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
        "torch_dtype": TORCH[dtype],
    }


def values(family, name, shape):
    """fp32 values of one tensor in base, ft1, ft2 and ft3."""
    rng = np.random.Generator(np.random.PCG64([5, zlib.crc32(f"{family}/{name}".encode())]))
    n = prod(shape)
    if "v_proj" in name:
        # Every magnitude equal, ft2 opposite to ft1 in every other element: tied thresholds and elections that sum to zero.
        step = 2.0**-7
        base = rng.integers(-40, 41, n) * step
        sign = rng.choice([-1.0, 1.0], n)
        turn = np.where(np.arange(n) % 2 == 0, -1.0, 1.0)
        out = [base, base + sign * step, base + sign * turn * step, base + sign * step * np.where(np.arange(n) % 3, 2, 1)]
    else:
        norm = len(shape) == 1
        base = rng.standard_normal(n) * (0.05 if norm else 0.02) + norm
        out = [base] + [base + rng.standard_normal(n) * (0.01 if norm else 0.004) for _ in range(3)]
        if n > 60:
            # Some deltas exactly zero in one, in two and in all models, and zeros of both signs.
            out[1][::7] = base[::7]
            out[2][::5] = base[::5]
            for x in out:
                x[3], x[4] = 0.0, -0.0
            out[1][4] = 0.0
            for x in out[1:]:
                x[36] = base[36]
        if "layers.1.mlp.up_proj" in name:
            out[2] = base.copy()
    return [x.astype(np.float32) for x in out]


def encode(x, dtype):
    x = np.ascontiguousarray(x, np.float32)
    if dtype == "F32":
        return x.astype("<f4").tobytes()
    if dtype == "F16":
        return x.astype("<f2").tobytes()
    bits = x.view(np.uint32)
    return ((bits + (0x7FFF + ((bits >> 16) & 1))) >> 16).astype("<u2").tobytes()


def decode(data, dtype, shape):
    if dtype == "F32":
        x = np.frombuffer(data, "<f4").copy()
    elif dtype == "F16":
        x = np.frombuffer(data, "<f2").astype(np.float32)
    else:
        x = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return x.reshape(shape)


def write(path, tensors):
    """Writes {name: (dtype, shape, bytes)} in name order."""
    table, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, data) in sorted(tensors.items()):
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, (_, _, data) in sorted(tensors.items()):
            f.write(data)


def read(path):
    """Reads one file into {name: (dtype, shape, bytes)}."""
    raw = path.read_bytes()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    table = json.loads(raw[8:start])
    table.pop("__metadata__", None)
    return {n: (t["dtype"], tuple(t["shape"]), raw[start + t["data_offsets"][0]:start + t["data_offsets"][1]])
            for n, t in table.items()}


def read_model(directory):
    out = {}
    for path in sorted(directory.glob("*.safetensors")):
        out |= read(path)
    return out


def make(root):
    """Writes ROOT/FAMILY-DTYPE/MODEL/{config.json,model.safetensors}."""
    for family in ("odd", "deep"):
        data = {n: (s, values(family, n, s)) for n, s in shapes(family).items()}
        for short, dtype in DTYPES.items():
            if (family, short) == ("deep", "f16"):
                continue
            for m, model in enumerate(MODELS):
                directory = root / f"{family}-{short}" / model
                directory.mkdir(parents=True, exist_ok=True)
                write(directory / "model.safetensors", {n: (dtype, s, encode(v[m], dtype)) for n, (s, v) in data.items()})
                (directory / "config.json").write_text(json.dumps(config(family, dtype), indent=2) + "\n")
