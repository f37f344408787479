#!/usr/bin/env python3
"""Collects side tables from a transformers model and a text file, as weightloom's recipes and prune read them.

usage: collect.py MODEL TEXT OUT [--what norms,grams,gradient-grams,fisher,routing] [--samples 128] [--length 512] [--device cpu]

MODEL is a causal language model (a directory or a hub name), TEXT a UTF-8 file, of which the first samples of LENGTH
tokens are taken. Writes into OUT, each a tensor a weight under the weight's own name (docs/side-tables.md):

  norms.safetensors    L2 norm of each input of each linear layer        [in]        prune --method wanda, --budget owl
  grams.safetensors    Gram matrix of these inputs, averaged by token    [in, in]    prune --method sparsegpt, regmean
  gradient-grams.safetensors  the same of the loss's gradients by these inputs  [in, in]  spectrum --epsilon, as grams
  fisher.safetensors   mean square of each sample's gradient             as weight   fisher
  gradients.safetensors  mean gradient (with fisher)                     as weight   wagle
  routing.json         how often each expert of each layer was chosen, if the model has experts

Needs torch, transformers and safetensors; everything accumulates in fp32 on the model's device, layer by layer inputs of
one sample at a time.
"""
import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

CONV1D = "Conv1D"  # GPT-2's linear layer, whose weight is stored inputs first: not a row an output.


def samples(tokenizer, text, count, length):
    ids = tokenizer(Path(text).read_text(encoding="utf-8"), return_tensors="pt").input_ids[0]
    if len(ids) < 2:
        sys.exit(f"Cannot collect from {text}: it has {len(ids)} tokens (give a longer text)")
    return [ids[i : i + length].unsqueeze(0) for i in range(0, len(ids) - 1, length)][:count]


def linear_layers(model):
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            yield name, module
        elif type(module).__name__ == CONV1D:
            print(f"skipped {name}: its weight is stored inputs first", file=sys.stderr)


class Inputs:
    """Sums over the inputs of linear layers; layers that share their input (q, k and v) are summed each on its own."""

    def __init__(self, model, grams):
        self.norms, self.grams, self.tokens = {}, {}, {}
        self.hooks = [m.register_forward_pre_hook(self.hook(n, grams)) for n, m in linear_layers(model)]

    def hook(self, name, grams):
        key = name + ".weight"

        def see(module, args):
            x = args[0].detach().reshape(-1, args[0].shape[-1]).float()
            self.tokens[key] = self.tokens.get(key, 0) + len(x)
            self.norms[key] = self.norms.get(key, 0) + (x * x).sum(0)
            if grams:
                self.grams[key] = self.grams.get(key, 0) + x.T @ x

        return see

    def close(self):
        for hook in self.hooks:
            hook.remove()


def gradient_grams(model, batches, device):
    """Sums over the gradients of the loss by the inputs of linear layers, through all layers that read an input."""
    grams, tokens = {}, {}

    def hook(key):
        def add(gradient):
            g = gradient.detach().reshape(-1, gradient.shape[-1]).float()
            tokens[key] = tokens.get(key, 0) + len(g)
            grams[key] = grams.get(key, 0) + g.T @ g

        def see(module, args):
            if args[0].requires_grad:
                args[0].register_hook(add)

        return see

    hooks = [m.register_forward_pre_hook(hook(n + ".weight")) for n, m in linear_layers(model)]
    for ids in batches:
        model.zero_grad()
        ids = ids.to(device)
        model(input_ids=ids, labels=ids).loss.backward()
    for one in hooks:
        one.remove()
    return {n: g / tokens[n] for n, g in grams.items()}


def routing(model, counts):
    """Counts the experts that routers choose: a linear layer called gate or router with an output an expert."""
    experts = getattr(model.config, "num_local_experts", getattr(model.config, "num_experts", 0)) or 0
    top = getattr(model.config, "num_experts_per_tok", 1) or 1

    def hook(name):
        def see(module, args, output):
            logits = output[0] if isinstance(output, tuple) else output
            if logits.shape[-1] == experts:
                chosen = logits.reshape(-1, experts).topk(top, dim=-1).indices.flatten()
                counts.setdefault(name, torch.zeros(experts, dtype=torch.long))
                counts[name] += torch.bincount(chosen.cpu(), minlength=experts)

        return see

    return [m.register_forward_hook(hook(n)) for n, m in model.named_modules()
            if experts and n.rsplit(".", 1)[-1] in ("gate", "router")]


def fisher(model, batches, device):
    squares = {n: torch.zeros_like(p, dtype=torch.float32) for n, p in model.named_parameters()}
    means = {n: torch.zeros_like(p, dtype=torch.float32) for n, p in model.named_parameters()}
    for ids in batches:  # one at a time: the square of each sample's gradient
        model.zero_grad()
        ids = ids.to(device)
        model(input_ids=ids, labels=ids).loss.backward()
        for n, p in model.named_parameters():
            if p.grad is not None:
                g = p.grad.float()
                squares[n] += g * g / len(batches)
                means[n] += g / len(batches)
    return squares, means


def save(tensors, path):
    save_file({n: t.contiguous().cpu() for n, t in tensors.items()}, str(path))
    print(f"{path}: {len(tensors)} tensors", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("out", type=Path)
    parser.add_argument("--what", default="norms")
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    what = set(args.what.split(","))
    unknown = what - {"norms", "grams", "gradient-grams", "fisher", "routing"}
    if unknown:
        sys.exit(f"Cannot collect {', '.join(sorted(unknown))}: choose of norms, grams, gradient-grams, fisher, routing")
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model).to(args.device).eval()
    batches = samples(tokenizer, args.text, args.samples, args.length)
    args.out.mkdir(parents=True, exist_ok=True)
    if what & {"norms", "grams", "routing"}:
        inputs, counts = Inputs(model, "grams" in what), {}
        hooks = routing(model, counts)
        with torch.no_grad():
            for ids in batches:
                model(input_ids=ids.to(args.device))
        inputs.close()
        for hook in hooks:
            hook.remove()
        if "norms" in what:
            save({n: s.sqrt() for n, s in inputs.norms.items()}, args.out / "norms.safetensors")
        if "grams" in what:
            save({n: g / inputs.tokens[n] for n, g in inputs.grams.items()}, args.out / "grams.safetensors")
        if "routing" in what:
            frequencies = {n: (c / c.sum()).tolist() for n, c in counts.items()}
            (args.out / "routing.json").write_text(json.dumps(frequencies, indent=2) + "\n")
    if "gradient-grams" in what:
        save(gradient_grams(model, batches, args.device), args.out / "gradient-grams.safetensors")
    if "fisher" in what:
        squares, means = fisher(model, batches, args.device)
        save(squares, args.out / "fisher.safetensors")
        save(means, args.out / "gradients.safetensors")


if __name__ == "__main__":
    main()
