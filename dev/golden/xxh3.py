"""Prints the golden values of ContentDigestTest: XXH3 of the bytes i * 31 + 7 (mod 256).

Needs: pip install xxhash (the values were made with 4.1.0 of xxHash 0.8.4).
"""
import struct

import xxhash

CHUNK = 65536


def data(n):
    return bytes((i * 31 + 7) & 0xFF for i in range(n))


def grain(b):
    chunks = [xxhash.xxh3_64_intdigest(b[i : i + CHUNK]) for i in range(0, len(b), CHUNK)]
    return xxhash.xxh3_64_intdigest(struct.pack(f"<{len(chunks)}Q", *chunks))


def tensor(b, grain_bytes):
    grains = [grain(b[i : i + grain_bytes]) for i in range(0, len(b), grain_bytes)]
    return xxhash.xxh3_128_hexdigest(struct.pack(f"<{len(grains)}Q", *grains))


print("xxhash", xxhash.VERSION, "of", xxhash.XXHASH_VERSION)
for n in (0, 1, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 1024, 4096, 65535, 65536):
    print(f"chunk {n} {xxhash.xxh3_64_hexdigest(data(n))} {xxhash.xxh3_128_hexdigest(data(n))}")
for n in (1, 65536, 65537, 200000):
    print(f"grain {n} {grain(data(n)):016x}")
for n in (0, 1, 65536, 131072, 131073, 1000000):
    print(f"tensor {n} {tensor(data(n), 2 * CHUNK)}")
