#!/usr/bin/env python3
"""A tiny Llama, and the same with channels and heads of least norm removed, or channels merged, by PyTorch and Transformers.

usage: units.py                  writes spark-jobs/src/test/resources/golden/units, which UnitRemovalTest and
                                 ChannelMergingTest read
       units.py --check DIR...   loads what `prune golden/units/model DIR --drop-channels 7 --drop-heads 2` wrote (with its
                                 --unit-norm), and compares its logits with those of the whole model under a mask
       units.py --same A B       compares the logits of two models: a permutation of units changes nothing

Channels are merged as Iterative Feature Merging has it (Chen, Zhou and Yan, 2024), from the definition: all distances anew
at each step. With channels that are there twice, merging them leaves the logits as they are: asserted before writing.

A removed model computes what the whole one computes when the inputs of down_proj and o_proj that went are 0: that is
asserted with hooks on the whole model before anything is written. Transformers takes norms and softmax in fp32 even of a
model in fp64, so logits need not be equal to more than that; without the mask they differ by some tenths.
"""
import os
import pathlib
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

DIR = pathlib.Path("spark-jobs/src/test/resources/golden/units")
CHANNELS, HEADS, GROUPS, HEAD_DIM = 20, 6, 3, 4
DROP_CHANNELS, DROP_HEADS = 7, 2
TOKENS = torch.arange(24).reshape(2, 12) * 7 % 40


def whole():
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=CHANNELS, num_hidden_layers=2, num_attention_heads=HEADS,
        num_key_value_heads=GROUPS, head_dim=HEAD_DIM, attention_bias=True, mlp_bias=True, max_position_embeddings=64,
        tie_word_embeddings=False, dtype="bfloat16")
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.3)
    return model.to(torch.bfloat16)


def kept(parts, units, drop, power):
    """Units that stay: `parts` are the tensors of a layer with the dimension along which the units lie."""
    score = torch.zeros(units, dtype=torch.float64)
    for t, dim in parts:
        runs = t.detach().double().movedim(dim, 0).reshape(units, -1)
        score += runs.abs().pow(power).sum(1)
    assert score.unique().numel() == units
    return torch.sort(torch.argsort(score)[drop:]).values


def choose(model, power):
    chosen = []
    for layer in model.model.layers:
        m, a = layer.mlp, layer.self_attn
        mlp = [(m.gate_proj.weight, 0), (m.gate_proj.bias, 0), (m.up_proj.weight, 0), (m.up_proj.bias, 0), (m.down_proj.weight, 1)]
        heads = [(p, 0) for x in (a.q_proj, a.k_proj, a.v_proj) for p in (x.weight, x.bias)] + [(a.o_proj.weight, 1)]
        chosen.append((kept(mlp, CHANNELS, DROP_CHANNELS, power), kept(heads, GROUPS, DROP_HEADS * GROUPS // HEADS, power)))
    return chosen


def groups(weights, count):
    """Channels that become one; `weights` are gate, up and down. Squared distances of incoming means and outgoing sums."""
    gate, up, down = (w.detach().double() for w in weights)
    incoming, outgoing = torch.cat([gate, up], 1), down.T
    found = [[i] for i in range(len(incoming))]
    for _ in range(count):
        now = torch.stack([torch.cat([incoming[g].mean(0), outgoing[g].sum(0)]) for g in found])
        d = (now[:, None] - now[None]).square().sum(2)
        d[torch.ones_like(d).tril().bool()] = float("inf")
        a, b = divmod(int(d.argmin()), len(found))
        found[a] += found.pop(b)
    return [sorted(g) for g in found]


def merged(model, count):
    state = {k: v.clone() for k, v in model.state_dict().items()}
    for i, layer in enumerate(model.model.layers):
        m = layer.mlp
        found = groups([m.gate_proj.weight, m.up_proj.weight, m.down_proj.weight], count)
        for name in ("gate_proj.weight", "gate_proj.bias", "up_proj.weight", "up_proj.bias"):
            key = f"model.layers.{i}.mlp.{name}"
            state[key] = torch.stack([state[key][g].double().mean(0) for g in found]).to(state[key].dtype)
        key = f"model.layers.{i}.mlp.down_proj.weight"
        state[key] = torch.stack([state[key][:, g].double().sum(1) for g in found], 1).to(state[key].dtype).contiguous()
    return state


def same_when_doubled():
    """Merging channels that are there twice changes no logits."""
    model = load(DIR / "model").double()
    with torch.no_grad():
        for layer in model.model.layers:
            for p in (layer.mlp.gate_proj.weight, layer.mlp.gate_proj.bias, layer.mlp.up_proj.weight, layer.mlp.up_proj.bias):
                p[-DROP_CHANNELS:] = p[:DROP_CHANNELS]
            layer.mlp.down_proj.weight[:, -DROP_CHANNELS:] = layer.mlp.down_proj.weight[:, :DROP_CHANNELS]
    config = LlamaConfig.from_pretrained(DIR / "model")
    config.intermediate_size = CHANNELS - DROP_CHANNELS
    small = LlamaForCausalLM(config).double()
    small.load_state_dict(merged(model, DROP_CHANNELS))
    require_close("doubled channels merged", logits(small), logits(model))


def elements(units, size):
    return (units[:, None] * size + torch.arange(size)).flatten()


def removed(model, chosen):
    state = {k: v.clone() for k, v in model.state_dict().items()}
    for i, (channels, groups) in enumerate(chosen):
        queries, keys = elements(groups, HEADS // GROUPS * HEAD_DIM), elements(groups, HEAD_DIM)
        for name, index, dim in [
            ("mlp.gate_proj.weight", channels, 0), ("mlp.gate_proj.bias", channels, 0), ("mlp.up_proj.weight", channels, 0),
            ("mlp.up_proj.bias", channels, 0), ("mlp.down_proj.weight", channels, 1), ("self_attn.q_proj.weight", queries, 0),
            ("self_attn.q_proj.bias", queries, 0), ("self_attn.k_proj.weight", keys, 0), ("self_attn.k_proj.bias", keys, 0),
            ("self_attn.v_proj.weight", keys, 0), ("self_attn.v_proj.bias", keys, 0), ("self_attn.o_proj.weight", queries, 1)]:
            key = f"model.layers.{i}.{name}"
            state[key] = state[key].index_select(dim, index).contiguous()
    return state


def logits(model):
    with torch.no_grad():
        return model.double()(TOKENS).logits


def masked(model, chosen):
    """The logits of the whole model with 0 where something went."""
    hooks = []
    for layer, (channels, groups) in zip(model.model.layers, chosen):
        for module, stay, size in [
            (layer.mlp.down_proj, channels, CHANNELS),
            (layer.self_attn.o_proj, elements(groups, HEADS // GROUPS * HEAD_DIM), HEADS * HEAD_DIM)]:
            mask = torch.zeros(size, dtype=torch.float64).index_fill(0, stay, 1)
            hooks.append(module.register_forward_pre_hook(lambda _, args, mask=mask: (args[0] * mask,)))
    out = logits(model)
    for hook in hooks:
        hook.remove()
    return out


def require_close(what, a, b):
    error = (a - b).abs().max().item()
    assert error < 1e-6 * max(1, b.abs().max().item()), f"{what}: {error}"
    print(f"OK {what}: logits differ by {error:.1e} at most")


def golden():
    whole().save_pretrained(DIR / "model")
    for name, power in [("l1", 1), ("l2", 2)]:
        model = load(DIR / "model")
        chosen = choose(model, power)
        state = removed(model, chosen)
        config = LlamaConfig.from_pretrained(DIR / "model")
        config.intermediate_size = CHANNELS - DROP_CHANNELS
        config.num_attention_heads = HEADS - DROP_HEADS
        config.num_key_value_heads = GROUPS - DROP_HEADS * GROUPS // HEADS
        small = LlamaForCausalLM(config)
        small.load_state_dict(state)
        require_close(name, logits(small), masked(model, chosen))
        assert (logits(small) - logits(model)).abs().max() > 0.1
        about = f"dev/golden/units.py, transformers {transformers.__version__}, torch {torch.__version__}"
        save_file(state, DIR / f"{name}.safetensors", {"made_by": about})
    same_when_doubled()
    save_file(merged(load(DIR / "model"), DROP_CHANNELS), DIR / "merged.safetensors", {"made_by": about})


def load(directory):
    model, info = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True, dtype="auto")
    assert not any(info.values()), info
    return model


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        for directory in sys.argv[2:]:
            power = 1 if "l1" in pathlib.Path(directory).name else 2
            full = load(DIR / "model")
            require_close(directory, logits(load(directory)), masked(full, choose(full, power)))
    elif sys.argv[1:2] == ["--same"]:
        require_close(" and ".join(sys.argv[2:]), logits(load(sys.argv[2])), logits(load(sys.argv[3])))
    else:
        golden()
