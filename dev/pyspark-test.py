"""Reads, queries and writes models from PySpark with nothing of ours but the one jar.

usage: pyspark-test.py JAR        run by dev/pyspark.sh in an environment with some version of pyspark

What is expected is computed here, in plain Python, from the values that the models were written with.
"""

import json
import logging
import math
import random
import struct
import sys
import tempfile
from pathlib import Path

import pyspark
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

SHAPES = {
    "model.embed_tokens.weight": (40, 16),
    "model.layers.0.mlp.up_proj.weight": (24, 16),
    "model.layers.1.mlp.up_proj.weight": (24, 16),
    "model.norm.weight": (16,),
}


def bf16(value):
    """The nearest value of BF16, ties to even."""
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def decoded(data):
    return [struct.unpack("<f", struct.pack("<I", b << 16))[0] for b in struct.unpack(f"<{len(data) // 2}H", data)]


def write_model(directory, seed):
    """Writes a model and gives the bytes of its tensors."""
    numbers = random.Random(seed)
    tensors = {}
    for name, shape in SHAPES.items():
        values = (numbers.gauss(0, 0.02) for _ in range(math.prod(shape)))
        tensors[name] = b"".join(struct.pack("<H", bf16(v)) for v in values)
    header, begin = {"__metadata__": {"format": "pt"}}, 0
    for name, data in tensors.items():
        header[name] = {"dtype": "BF16", "shape": SHAPES[name], "data_offsets": [begin, begin + len(data)]}
        begin += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    directory.mkdir(parents=True)
    (directory / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(tensors.values()))
    (directory / "config.json").write_text(json.dumps({"model_type": "test", "rope": {"theta": 10000}}))
    return tensors


def read_model(file):
    """The bytes of a model's tensors."""
    raw = file.read_bytes()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    infos = {name: info for name, info in json.loads(raw[8:start]).items() if name != "__metadata__"}
    return {n: raw[start + i["data_offsets"][0] : start + i["data_offsets"][1]] for n, i in infos.items()}


def rows(frame):
    return [tuple(r) for r in frame.collect()]


def close(a, b, tolerance=1e-9):
    return math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12)


def refused(action, words, kind=AnalysisException):
    """The statement fails with these words; as Spark's own kind of error, a notebook shows no stack trace."""
    try:
        action()
    except kind as e:
        assert words in str(e), str(e)
        return
    raise AssertionError(f"not refused: {words}")


def reads(spark, zoo, models):
    frame = spark.read.format("checkpoint").load(str(zoo / "acme/base"))
    blocks = {r.tensor: r for r in frame.select("tensor", "dtype", "shape", "count", "data").collect()}
    assert {n: bytes(r.data) for n, r in blocks.items()} == models["acme/base"]
    assert {n: tuple(r.shape) for n, r in blocks.items()} == SHAPES
    small = spark.read.format("safetensors").option("blockSize", "256").load(str(zoo / "acme/base"))
    parts = small.where("layer = 1").orderBy("block").select("offset", "count", "data").collect()
    assert len(parts) == 3 and [p.offset for p in parts] == [0, 128, 256]
    assert b"".join(bytes(p.data) for p in parts) == models["acme/base"]["model.layers.1.mlp.up_proj.weight"]
    plan = frame.where("role = 'mlp.up_proj.weight'").select("tensor")._jdf.queryExecution().toString()
    assert "PushedFilters: [role" in plan and "ReadsData: true" not in plan, plan
    wrong = spark.read.format("checkpoint").option("blokSize", "1m")
    refused(lambda: wrong.load(str(zoo / "acme/base")), "did you mean blockSize?", kind=Exception)


def aligns(spark, zoo, models):
    both = f"{zoo}/acme/base,{zoo}/acme/tuned"
    frame = spark.read.format("checkpoint").option("models", both).option("aligned", "true").load()
    for r in frame.select("tensor", "data0", "data1").collect():
        assert bytes(r.data0) == models["acme/base"][r.tensor] and bytes(r.data1) == models["acme/tuned"][r.tensor]


def computes(spark, zoo, models):
    frame = spark.read.format("checkpoint").load(str(zoo / "acme/base"))
    l2 = dict(rows(frame.selectExpr("tensor", "wl_l2(data, dtype)")))
    for name, data in models["acme/base"].items():
        assert close(l2[name], math.sqrt(sum(v * v for v in decoded(data)))), name
    [(info,)] = rows(frame.selectExpr("wl_stats_info(wl_stats_merge(wl_stats(data, dtype)))"))
    everything = [v for d in models["acme/base"].values() for v in decoded(d)]
    assert info.elements == len(everything) and info.zeros == everything.count(0)
    assert info.min == min(everything) and info.max == max(everything)
    assert close(info.sum, math.fsum(everything), 1e-6)
    [(kept, wanted)] = rows(
        frame.where("tensor = 'model.norm.weight'").selectExpr("wl_trim(data, dtype, 0.25)", "data")
    )
    values = decoded(wanted)
    least = sorted(map(abs, values))[-4]
    assert decoded(kept) == [v if abs(v) >= least else 0 for v in values]
    # By name from Python's own interface, too.
    [(sparsity,)] = rows(frame.where("layer = 0").select(F.expr("wl_sparsity(wl_trim(data, dtype, 0.5), dtype)")))
    assert close(sparsity, 0.5)
    assert "wl_l2(data, dtype)" in "\n".join(r[0] for r in rows(spark.sql("DESCRIBE FUNCTION EXTENDED wl_l2")))
    refused(lambda: spark.sql("SELECT wl_l2(1, 'BF16')"), "DATATYPE_MISMATCH")


def lists(spark, zoo, models):
    assert rows(spark.sql("SHOW NAMESPACES IN models")) == [("`acme/base`",), ("`acme/tuned`",)]
    assert [r[1] for r in rows(spark.sql("SHOW TABLES IN models.`acme/base`"))] == ["blocks", "config", "tensors"]
    shown = rows(spark.sql("SELECT tensor, shape, bytes, layer FROM models.`acme/base`.tensors"))
    assert {t: tuple(s) for t, s, _, _ in shown} == SHAPES
    assert all(b == 2 * math.prod(s) for _, s, b, _ in shown)
    assert rows(spark.sql("SELECT key, value FROM models.`acme/base`.config")) == [
        ("model_type", '"test"'),
        ("rope.theta", "10000"),
    ]
    [(norm,)] = rows(
        spark.sql("SELECT models.wl_l2(data, dtype) FROM models.`acme/base`.blocks WHERE tensor = 'model.norm.weight'")
    )
    assert close(norm, math.sqrt(sum(v * v for v in decoded(models["acme/base"]["model.norm.weight"]))))
    [(count,)] = rows(spark.table("models.tensors").where("model = 'acme/tuned'").agg(F.count("*")))
    assert count == len(SHAPES)
    refused(lambda: spark.sql("SELECT * FROM models.`acme/bsae`.tensors"), "did you mean acme/base?")
    refused(lambda: spark.sql("DROP TABLE models.`acme/base`.tensors"), "read-only")
    refused(lambda: spark.sql("CREATE TABLE models.`acme/base`.more (x INT)"), "read-only")


def compares(spark, zoo, models):
    join = spark.sql(
        """
        SELECT b.tensor, wl_cosine(b.data, b.dtype, t.data, t.dtype)
        FROM models.`acme/base`.blocks b JOIN models.`acme/tuned`.blocks t USING (tensor, block)
        """
    )
    plan = join._jdf.queryExecution().executedPlan().toString()
    assert "SortMergeJoin" in plan and "Exchange" not in plan and "Sort [" not in plan, plan
    cosine = dict(rows(join))
    for name in SHAPES:
        a, b = (decoded(models[m][name]) for m in ("acme/base", "acme/tuned"))
        dot = sum(x * y for x, y in zip(a, b))
        assert close(cosine[name], dot / math.hypot(*a) / math.hypot(*b), 1e-6), name


def writes(spark, zoo, models):
    out = zoo.parent / "out"
    spark.read.format("checkpoint").load(str(zoo / "acme/base")).write.format("checkpoint").save(str(out))
    assert (out / "model.safetensors").read_bytes() == (zoo / "acme/base/model.safetensors").read_bytes()


def explodes(spark, zoo, models):
    """A block table from a frame and back, with Spark's own Parquet between."""
    table, out = zoo.parent / "table", zoo.parent / "imploded"
    both = spark.read.format("checkpoint").option("models", f"{zoo}/acme/base,{zoo}/acme/tuned").load()
    options = {"compression": "none", "parquet.enable.dictionary": "false"}
    both.write.partitionBy("model").options(**options).parquet(str(table))
    plain = spark.read.parquet(str(table)).where("model = 'tuned'")
    assert {t: bytes(d) for t, d in rows(plain.select("tensor", "data"))} == models["acme/tuned"]
    back = spark.read.format("checkpoint").load(str(table / "model=tuned"))
    assert rows(back.selectExpr("sum(count)", "min(digest = wl_digest(data))")) == [
        (sum(map(math.prod, SHAPES.values())), True)
    ]
    back.write.format("checkpoint").save(str(out))
    assert read_model(out / "model.safetensors") == models["acme/tuned"]


def main(jar):
    with tempfile.TemporaryDirectory() as work:
        zoo = Path(work) / "zoo"
        models = {name: write_model(zoo / name, seed) for seed, name in enumerate(["acme/base", "acme/tuned"])}
        spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.jars", jar)
            .config("spark.sql.extensions", "io.weightloom.udf.WeightloomExtensions")
            .config("spark.sql.catalog.models", "io.weightloom.catalog.ModelCatalog")
            .config("spark.sql.catalog.models.path", str(zoo))
            .config("spark.sql.requireAllClusterKeysForCoPartition", "false")
            .config("spark.sql.sources.v2.bucketing.enabled", "true")  # Spark 4.0 has it off.
            .config("spark.sql.autoBroadcastJoinThreshold", "-1")
            .config("spark.sql.warehouse.dir", f"{work}/warehouse")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.host", "localhost")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .getOrCreate()
        )
        spark.sparkContext.setLogLevel("ERROR")
        # Errors that are wanted are not worth a stack trace.
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
        try:
            for part in (reads, aligns, computes, lists, compares, writes, explodes):
                part(spark, zoo, models)
        finally:
            spark.stop()
    print(f"pyspark {pyspark.__version__} with {Path(jar).name}: read, aligned, computed, listed, compared, wrote, exploded")


if __name__ == "__main__":
    main(sys.argv[1])
