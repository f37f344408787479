#!/usr/bin/env python3
"""Loads merged model directories as Transformers does and runs one forward pass: the proof that others can use them.

usage: VENV/bin/python dev/golden/from_pretrained.py MODEL_DIR...

Prints `OK DIR` for each directory; exits with 1 if one has missing, unexpected or mismatched tensors or a non-finite output.
"""
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402


def problem(directory):
    """Why the directory is no usable model, or None."""
    if not (directory / "config.json").is_file():
        return "no config.json"
    model, info = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True, torch_dtype="auto")
    found = {k: sorted(map(str, v)) for k, v in info.items() if v}
    if found:
        return "; ".join(f"{k}: {', '.join(v[:5])}" for k, v in found.items())
    tokens = torch.arange(8).unsqueeze(0) % model.config.vocab_size
    with torch.no_grad():
        logits = model(tokens).logits
    if logits.shape != (1, 8, model.config.vocab_size):
        return f"logits of shape {tuple(logits.shape)}"
    return None if torch.isfinite(logits).all() else "non-finite logits"


def main():
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        sys.exit(2)
    failed = 0
    for directory in map(Path, sys.argv[1:]):
        try:
            why = problem(directory)
        except Exception as e:  # every way of not loading is the same answer here
            why = f"{type(e).__name__}: {str(e).strip().splitlines()[0]}"
        failed += why is not None
        print(f"FAIL {directory}: {why}" if why else f"OK {directory}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
