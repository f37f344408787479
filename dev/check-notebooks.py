"""Checks the notebooks.

check-notebooks.py sources NOTEBOOK...      no outputs are stored, nothing is downloaded, every check has its cell
check-notebooks.py results ZOO NOTEBOOK...  what executed notebooks show is what the weights say

A cell tagged expect:NAME shows a table; the function NAME below computes the same from the files of the models with
numpy alone. A cell tagged picture shows one that is not empty.
"""

import base64
import io
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np

DOWNLOADS = re.compile(r"https?://|\bpip3? |\bwget\b|\bcurl\b|\bhf download|from_pretrained|snapshot_download|^\s*[!%]", re.M)
TABLES = {}
ZOO = Path()


def expects(function):
    """Registers what a tagged cell must show: the rows as a list of dicts, or a judge of them."""
    TABLES[function.__name__] = function
    return function


def tags(cell, kind):
    return [t.split(":", 1)[-1] for t in cell["metadata"].get("tags", []) if t.split(":")[0] == kind]


# ---- weights, read without any code of the product


class Model(dict):
    """The tensors of a model by name, BF16 as float32."""

    def __init__(self, name):
        super().__init__()
        for file in sorted((ZOO / name).glob("*.safetensors")):
            raw = file.read_bytes()
            size = int.from_bytes(raw[:8], "little")
            for tensor, info in json.loads(raw[8 : 8 + size]).items():
                if tensor != "__metadata__":
                    begin, end = (8 + size + o for o in info["data_offsets"])
                    assert info["dtype"] == "BF16", tensor
                    bits = np.frombuffer(raw[begin:end], "<u2").astype(np.uint32) << 16
                    self[tensor] = bits.view(np.float32).reshape(info["shape"])


def layer(tensor):
    found = re.search(r"layers\.(\d+)\.", tensor)
    return int(found.group(1)) if found else None


def role(tensor):
    return re.sub(r".*layers\.\d+\.", "", tensor)


# ---- tables that a cell shows


class TableParser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows = []
        self.text = None

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.text = ""

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.rows[-1].append(self.text)
            self.text = None


def table(cell):
    """The rows of the one table that a cell shows."""
    shown = [o["data"] for o in cell["outputs"] if "data" in o and "text/html" in o["data"]]
    assert len(shown) == 1, f"{len(shown)} tables"
    parser = TableParser()
    parser.feed("".join(shown[0]["text/html"]))
    head, *rows = [r for r in parser.rows if r]
    return [dict(zip(head, row, strict=True)) for row in rows]


def same(shown, expected, tolerance=1e-4):
    """Whether rows that a cell shows are these, in this order."""
    assert len(shown) == len(expected), f"{len(shown)} rows, expected {len(expected)}"
    for i, (row, wanted) in enumerate(zip(shown, expected)):
        assert set(row) == set(wanted), f"columns {set(row)}, expected {set(wanted)}"
        for name, value in wanted.items():
            text = row[name]
            if isinstance(value, (float, np.floating)):
                ok = np.isclose(float(text), value, rtol=tolerance, atol=1e-9, equal_nan=True)
            else:
                ok = text == ("NULL" if value is None else str(value))
            assert ok, f"row {i}: {name} is {text}, computed {value}"


def has_picture(cell):
    from PIL import Image

    shown = [o["data"]["image/png"] for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert shown, "no picture"
    for png in shown:
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("L"), dtype=float)
        ink = (pixels < 200).mean()
        assert min(pixels.shape) > 150 and ink > 0.005, f"an empty picture: {pixels.shape}, {ink:.2%} ink"


# EXPECTATIONS

# ---- the commands


def cells(notebook):
    return [c for c in json.loads(Path(notebook).read_text())["cells"] if c["cell_type"] == "code"]


def sources(notebooks):
    seen = []
    for notebook in notebooks:
        for cell in cells(notebook):
            source = "".join(cell["source"])
            assert not cell["outputs"] and cell["execution_count"] is None, f"{notebook}: a cell holds outputs: {source[:80]}"
            assert not DOWNLOADS.search(source), f"{notebook}: a cell fetches or runs something: {source[:80]}"
            seen += tags(cell, "expect")
    assert sorted(seen) == sorted(TABLES), f"cells expect {sorted(seen)}, there are checks for {sorted(TABLES)}"


def results(notebooks):
    tables = pictures = 0
    for notebook in notebooks:
        for cell in cells(notebook):
            errors = [o for o in cell["outputs"] if o["output_type"] == "error"]
            assert cell["execution_count"] and not errors, f"{notebook}: {errors}"
            try:
                for name in tags(cell, "expect"):
                    TABLES[name](table(cell))
                    tables += 1
                if "picture" in cell["metadata"].get("tags", []):
                    has_picture(cell)
                    pictures += 1
            except (AssertionError, KeyError, ValueError) as e:
                raise AssertionError(f"{notebook}: {tags(cell, 'expect')}: {e}") from e
    print(f"{len(notebooks)} notebooks: {tables} tables as computed from the weights, {pictures} pictures")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    try:
        if command == "sources":
            sources(arguments)
        else:
            ZOO = Path(arguments[0])
            results(arguments[1:])
    except AssertionError as e:
        sys.exit(f"check-notebooks: {e}")
