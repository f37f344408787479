"""Holds the reference's column of HostileSafetensors against the reference library.

    java -cp testkit/target/classes io.weightloom.testkit.HostileSafetensors DIR
    python dev/golden/safetensors_corpus.py DIR

Needs: pip install safetensors (the column was held against 0.8.0).
"""
import pathlib
import sys

import safetensors

NAMES = {
    "header too small": "HeaderTooSmall",
    "header too large": "HeaderTooLarge",
    "invalid header length": "InvalidHeaderLength",
    "invalid UTF-8 in header": "InvalidHeader",
    "invalid JSON in header": "InvalidHeaderDeserialization",
    "invalid offset for tensor": "InvalidOffset",
    "overflow computing buffer size": "ValidationOverflow",
    "The slice is slicing for subbytes dtypes": "MisalignedSlice",
    "invalid shape, data type, or offset": "TensorInvalidInfo",
    "incomplete metadata": "MetadataIncompleteBuffer",
}


def outcome(data):
    try:
        safetensors.deserialize(data)
        return "accepted", ""
    except Exception as e:  # the library's own class differs between versions
        text = str(e)
    for words, name in NAMES.items():
        if words in text:
            return name, text
    return "?", text


def main():
    verbose = "-v" in sys.argv
    folder = pathlib.Path(sys.argv[1])
    lines = (folder / "expected.tsv").read_text().splitlines()
    wrong = 0
    for line in lines:
        name, expected, _ = line.split("\t")
        found, text = outcome((folder / f"{name}.safetensors").read_bytes())
        if found != expected:
            wrong += 1
            print(f"{name}: expected {expected}, found {found}: {text[:300]}")
        elif verbose:
            print(f"{name}: {found}: {text[:160]}")
    print(f"safetensors {safetensors.__version__}: {len(lines)} files, {wrong} differ")
    return wrong > 0


sys.exit(main())
