"""Makes the golden files of SafetensorsLayoutTest with the reference library.

    python dev/golden/safetensors_layout.py arrow-io/src/test/resources/golden

Needs: pip install safetensors numpy (the files were made with 0.8.0 and 2.4.6).
"""
import pathlib
import sys

import numpy as np
import safetensors.numpy

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)


def values(dtype, *shape):
    n = int(np.prod(shape, dtype=np.int64))
    return (np.arange(n) % 251).astype(dtype).reshape(shape)


NAMES = {
    "z": values("float32", 2, 3),
    "a": values("float32", 4),
    "a.10": values("float32", 1),
    "a.2": values("float32", 1),
    "A": values("float32", 1),
    'quote"back\\slash/': values("uint8", 3),
    "tab\tnewline\nbell\x07\x7f": values("uint8", 1),
    "gewicht_\u00e4": values("uint8", 1),
    "\uffee": values("uint8", 2),
    "\U0001f600": values("uint8", 1),
    "scalar": values("float64"),
    "empty": values("int64", 0, 7),
    "half": values("float16", 5),
    "flags": values("bool", 3),
    "long": values("int64", 2),
    "ulong": values("uint64", 1),
    "int": values("int32", 1),
    "uint": values("uint32", 1),
    "short": values("int16", 1),
    "ushort": values("uint16", 1),
    "byte": values("int8", 1),
}
safetensors.numpy.save_file(NAMES, folder / "names.safetensors", {"format": "np"})
safetensors.numpy.save_file({}, folder / "none.safetensors")
for n in range(8):
    safetensors.numpy.save_file(
        {"x" * (n + 1): values("uint8", 1)}, folder / f"padding_{n}.safetensors"
    )

# The order of all types that the Python binding can write; it has no name for the 6-bit ones.
WIDTHS = {
    1: "bool float4_e2m1fn_x2 uint8 int8 float8_e5m2 float8_e4m3fn float8_e8m0fnu "
    "float8_e4m3fnuz float8_e5m2fnuz",
    2: "int16 uint16 float16 bfloat16",
    4: "int32 uint32 float32",
    8: "complex64 float64 int64 uint64",
}
buffers, specs = [], {}
for width, dtypes in WIDTHS.items():
    for dtype in dtypes.split():
        buffer = np.arange(width, dtype=np.uint8)
        buffers.append(buffer)
        specs[f"t{len(buffers):02}"] = safetensors.TensorSpec(
            dtype=dtype, shape=[1], data_ptr=buffer.ctypes.data, data_len=width
        )
(folder / "dtypes.safetensors").write_bytes(safetensors.serialize(specs, None))
