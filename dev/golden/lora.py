#!/usr/bin/env python3
"""Makes models with LoRA adapters and what PEFT's merge_and_unload makes of them, as data for FoldedGoldenTest.

usage: PYTHON dev/golden/lora.py OUT_DIR      (needs torch, transformers, safetensors, peft)
"""
import json
import pathlib
import sys

import peft
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM


def llama(dtype):
    config = LlamaConfig(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, vocab_size=20, tie_word_embeddings=False)
    return LlamaForCausalLM(config).to(dtype)


def gpt2(dtype):
    return GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=20, n_positions=8)).to(dtype)


CASES = {
    "llama": (llama, torch.float32, dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], modules_to_save=["lm_head"])),
    "llama_bf16": (llama, torch.bfloat16, dict(r=4, lora_alpha=8, target_modules=["q_proj", "up_proj"], use_rslora=True)),
    "llama_patterns": (llama, torch.float32, dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], rank_pattern={"v_proj": 2}, alpha_pattern={"layers.1.self_attn.v_proj": 3, "q_proj": 5})),
    "llama_embedding": (llama, torch.float32, dict(r=2, lora_alpha=3, target_modules=["embed_tokens", "o_proj"])),
    "gpt2": (gpt2, torch.float32, dict(r=2, lora_alpha=4, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)),
}


def make(out, name, build, dtype, config):
    torch.manual_seed(len(name))
    base = build(dtype)
    dir = out / name
    base.save_pretrained(dir / "base")
    model = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", **config))
    for p in model.parameters():
        if p.requires_grad:
            torch.nn.init.normal_(p, std=0.05)
    model.save_pretrained(dir / "adapter", save_embedding_layers=False)
    reloaded = peft.PeftModel.from_pretrained(type(base).from_pretrained(dir / "base", dtype=dtype), dir / "adapter")
    merged = {k: v.contiguous() for k, v in reloaded.merge_and_unload().state_dict().items()}
    names = load_file(dir / "base" / "model.safetensors").keys()
    prefix = "" if all(n in merged for n in names) else "transformer."
    save_file({n: merged[n if n in merged else prefix + n].clone() for n in names}, dir / "merged.safetensors")
    for path in (dir / "base").iterdir():
        if path.name not in ("model.safetensors", "config.json"):
            path.unlink()
    (dir / "adapter" / "README.md").unlink()
    text = json.loads((dir / "adapter" / "adapter_config.json").read_text())
    text["base_model_name_or_path"] = name + "/base"
    (dir / "adapter" / "adapter_config.json").write_text(json.dumps(text, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    for name, case in CASES.items():
        make(out, name, *case)
    print("peft", peft.__version__, "torch", torch.__version__)
