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
NAMES = ["arrows", "blocks", "digits", "letters", "shapes", "textures"]
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


# ---- what tagged cells must show


def tuned():
    base = Model("zoo/base")
    return base, {name: Model(f"zoo/{name}") for name in NAMES}


def l2(arrays):
    return float(np.sqrt(sum(np.sum(a.astype(np.float64) ** 2) for a in arrays)))


def stacked(model):
    """The names of the tensors that belong to a layer, by role and layer."""
    return sorted((n for n in model if layer(n) is not None), key=lambda n: (role(n), layer(n)))


def by_layer(model):
    return {k: [n for n in stacked(model) if layer(n) == k] for k in sorted({layer(n) for n in stacked(model)})}


def trimmed(values, density):
    """Exactly floor(density * n) values of largest magnitude, of equal ones the first."""
    flat = values.ravel()
    keep = np.argsort(-np.abs(flat), kind="stable")[: max(1, int(density * flat.size))]
    out = np.zeros_like(flat)
    out[keep] = flat[keep]
    return out.reshape(values.shape)


def agreement(a, b):
    """Of the elements that are 0 in neither, the share whose signs agree."""
    both = (a != 0) & (b != 0)
    return float(np.mean(np.sign(a[both]) == np.sign(b[both])))


def mean_agreement(pairs):
    return sum(a.size * agreement(a, b) for a, b in pairs) / sum(a.size for a, _ in pairs)


@expects
def parameters_by_role(shown):
    base = Model("zoo/base")
    roles = {}
    for name, values in base.items():
        count, size = roles.get(role(name), (0, 0))
        roles[role(name)] = (count + 1, size + values.size)
    order = sorted(roles, key=lambda r: (-roles[r][1], r))
    same(shown, [{"role": r, "tensors": roles[r][0], "parameters": roles[r][1], "bytes": 2 * roles[r][1]} for r in order])


@expects
def config(shown):
    def leaves(prefix, value):
        for key, v in value.items():
            yield from leaves(f"{prefix}{key}.", v) if isinstance(v, dict) and v else [(prefix + key, v)]

    wanted = list(leaves("", json.loads((ZOO / "zoo/base/config.json").read_text())))
    assert [(r["key"], json.loads(r["value"])) for r in shown] == wanted, shown


@expects
def statistics(shown):
    base = Model("zoo/base")
    rows = []
    for name in stacked(base):
        x = base[name].astype(np.float64).ravel()
        centred = x - x.mean()
        variance = np.mean(centred**2)
        rows.append(
            {
                "tensor": name,
                "elements": x.size,
                "std": np.sqrt(variance),
                "largest": np.abs(x).max(),
                "kurtosis": np.mean(centred**4) / variance**2 - 3,
                "sparsity": float(np.mean(x == 0)),
            }
        )
    same(shown, rows)


@expects
def quantiles(shown):
    base = Model("zoo/base")
    rows = []
    for wanted in ("mlp.down_proj.weight", "mlp.up_proj.weight", "model.embed_tokens.weight"):
        x = np.sort(np.abs(np.concatenate([v.ravel() for n, v in base.items() if role(n) == wanted])))
        at = [float(x[int(np.ceil(share * x.size)) - 1]) for share in (0.5, 0.9, 0.99, 1.0)]
        rows.append({"role": wanted, **dict(zip(("median", "p90", "p99", "largest"), at))})
    same(shown, rows, tolerance=0)


@expects
def moved(shown):
    base, models = tuned()
    same(
        shown,
        [
            {
                "model": name,
                "layer": k,
                "moved": l2([model[n] - base[n] for n in names]) / l2([base[n] for n in names]),
            }
            for name, model in models.items()
            for k, names in by_layer(base).items()
        ],
    )


@expects
def cosines(shown):
    base, models = tuned()
    deltas = {m: np.concatenate([(v[n] - base[n]).ravel() for n in stacked(base)]) for m, v in models.items()}
    deltas = {m: d.astype(np.float64) for m, d in deltas.items()}
    rows = [
        {"one": a, "other": b, "cosine": float(deltas[a] @ deltas[b] / l2([deltas[a]]) / l2([deltas[b]]))}
        for a in NAMES
        for b in NAMES
        if a < b
    ]
    same(shown, sorted(rows, key=lambda r: -r["cosine"]), tolerance=1e-6)


@expects
def conflicts(shown):
    base, models = tuned()
    rows = []
    for name in stacked(base):
        deltas = [m[name] - base[name] for m in models.values()]
        pairs = [(a, b) for i, a in enumerate(deltas) for b in deltas[i + 1 :]]
        rows.append({"role": role(name), "layer": layer(name), "conflict": 1 - mean_agreement(pairs)})
    same(shown, rows, tolerance=1e-6)


@expects
def kept(shown):
    base = Model("zoo/base")
    rows = []
    for k in range(4):
        size = base[f"model.layers.{k}.mlp.up_proj.weight"].size
        number = int((0.2 + 0.4 * k / 3) * size + 1e-6)
        for name in NAMES:
            row = {"layer": k, "role": "mlp.up_proj.weight", "model": name, "kept": number, "elements": size}
            rows.append({**row, "density": number / size})
    same(shown, rows)


@expects
def share(shown):
    base, models = tuned()
    merged = Model("merged/notebook")
    rows = []
    for name, model in models.items():
        for k, names in by_layer(base).items():
            pairs = [(model[n] - base[n], merged[n] - base[n]) for n in names]
            dot = sum(float(np.sum(a.astype(np.float64) * b)) for a, b in pairs)
            cosine = dot / l2([a for a, _ in pairs]) / l2([b for _, b in pairs])
            rows.append({"model": name, "layer": k, "cosine": cosine, "agreement": mean_agreement(pairs)})
    same(shown, rows)


@expects
def distances(shown):
    base, models = tuned()
    merged = Model("merged/notebook")
    rows = [
        {"model": name, "distance": l2([model[n] - merged[n] for n in stacked(base)])}
        for name, model in {"base": base, **models}.items()
    ]
    same(shown, sorted(rows, key=lambda r: r["distance"]))


DENSITIES = [0.05, *(i / 10 for i in range(1, 10))]


@expects
def cost(shown):
    digits = Model("zoo/digits")
    rows = []
    for wanted in ("mlp.down_proj.weight", "mlp.up_proj.weight", "model.embed_tokens.weight"):
        tensors = [v for n, v in digits.items() if role(n) == wanted]
        for density in DENSITIES:
            pruned = [trimmed(v, density) for v in tensors]
            rows.append(
                {
                    "role": wanted,
                    "density": density,
                    "sparsity": sum(np.count_nonzero(p == 0) for p in pruned) / sum(p.size for p in pruned),
                    "error": l2([v - p for v, p in zip(tensors, pruned)]) / l2(tensors),
                }
            )
    same(shown, rows)


@expects
def ways(shown):
    base, digits = Model("zoo/base"), Model("zoo/digits")
    names = [n for n in stacked(base) if role(n).startswith("mlp.")]
    length = l2([digits[n] for n in names])
    rows = []
    for way in ("the task vector", "the weights"):
        for density in DENSITIES:
            whole = [digits[n] - base[n] if way == "the task vector" else digits[n] for n in names]
            error = l2([w - trimmed(w, density) for w in whole]) / length
            rows.append({"trimmed": way, "density": density, "error": error})
    same(shown, rows)


@expects
def patterns(shown):
    digits = Model("zoo/digits")
    tensors = [v for n, v in digits.items() if role(n).startswith("mlp.")]
    rows = []
    for n, m in ((1, 4), (2, 4), (4, 8)):
        for density in DENSITIES:
            pruned = [trimmed(v, density).reshape(-1, m) for v in tensors]
            compliant = sum(p.size * np.mean(np.count_nonzero(p, axis=1) <= n) for p in pruned)
            rows.append(
                {
                    "pattern": f"{n}:{m}",
                    "density": density,
                    "compliance": float(compliant / sum(p.size for p in pruned)),
                }
            )
    same(shown, rows)

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
