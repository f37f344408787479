"""Makes tiny models and holds what examples/side-tables/collect.py collects against plain computations. See side-tables.sh."""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, MixtralConfig, MixtralForCausalLM
from transformers import PreTrainedTokenizerFast

SIZES = {"vocab_size": 128, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2}
TEXT = " ".join(f"w{(7 * i * i + 3 * i) % 120}" for i in range(200))


def make(work):
    torch.manual_seed(5)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=word_tokenizer(), unk_token="w0")
    for name, model in (("dense", LlamaForCausalLM(LlamaConfig(**SIZES))),
                        ("experts", MixtralForCausalLM(MixtralConfig(**SIZES, num_local_experts=4)))):
        model.save_pretrained(work / name)
        tokenizer.save_pretrained(work / name)
    (work / "text").write_text(TEXT)


def word_tokenizer():
    tokenizer = Tokenizer(models.WordLevel({f"w{i}": i for i in range(128)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def check(work, name):
    tables = work / f"tables-{name}"
    model = AutoModelForCausalLM.from_pretrained(work / name).eval()
    ids = torch.tensor([int(w[1:]) for w in TEXT.split()][:64]).reshape(4, 16)
    seen = []
    first = model.model.layers[0].self_attn.q_proj

    def keep(module, args):
        args[0].retain_grad()
        seen.append(args[0])

    hook = first.register_forward_pre_hook(keep)
    losses = []
    for row in ids:
        losses.append(model(input_ids=row[None], labels=row[None]).loss)
    hook.remove()
    x = torch.cat([s.detach().reshape(-1, 32) for s in seen])
    key = "model.layers.0.self_attn.q_proj.weight"
    torch.testing.assert_close(load_file(tables / "norms.safetensors")[key], x.norm(dim=0))
    torch.testing.assert_close(load_file(tables / "grams.safetensors")[key], x.T @ x / len(x))
    wanted = torch.zeros_like(first.weight)
    for loss in losses:
        model.zero_grad()
        loss.backward()
        wanted += first.weight.grad ** 2 / len(losses)
    torch.testing.assert_close(load_file(tables / "fisher.safetensors")[key], wanted)
    g = torch.cat([s.grad.reshape(-1, 32) for s in seen])
    wanted = g.T @ g / len(g)
    scale = wanted.abs().max()  # far below what assert_close takes for 0
    torch.testing.assert_close(load_file(tables / "gradient-grams.safetensors")[key] / scale, wanted / scale)
    frequencies = json.loads((tables / "routing.json").read_text())
    if name == "experts":
        assert len(frequencies) == 2, frequencies.keys()
        assert all(abs(sum(f) - 1) < 1e-6 and len(f) == 4 for f in frequencies.values()), frequencies
    else:
        assert not frequencies
    print(f"{name}: norms, Gram matrices of inputs and gradients, Fisher diagonals and routing are as computed")


def loads(pruned):
    model = AutoModelForCausalLM.from_pretrained(pruned)
    weight = model.model.layers[1].mlp.down_proj.weight
    share = (weight == 0).float().mean().item()
    assert 0.35 < share < 0.75, share
    print(f"loads in transformers, {share:.3f} of a layer is 0")


if __name__ == "__main__":
    command, directory = sys.argv[1], Path(sys.argv[2])
    {"make": lambda: make(directory), "check": lambda: check(directory, sys.argv[3]),
     "loads": lambda: [loads(pruned) for pruned in sys.argv[2:]]}[command]()
