#!/usr/bin/env python3
"""Reads a block table and Arrow files as strangers do, by pyarrow and DuckDB, and compares them with the model.

usage: read_tables.py TABLE ARROW_FILE ARROW_STREAM

TABLE holds one uncompressed model whose source is still where its column `file` says. Prints a line for each reader;
exits with 1 at the first difference. Needs the environment of dev/readers.sh.
"""
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

COLUMNS = (
    "revision tensor role layer dtype shape block row_begin row_end offset count file file_begin file_end encoding data digest stats"
).split()
SLACK = 1 << 16


def require(truth, what):
    if not truth:
        sys.exit(f"Cannot vouch for the table: {what}")


def source(row):
    with open(row["file"], "rb") as file:
        file.seek(row["file_begin"])
        return file.read(row["file_end"] - row["file_begin"])


def zeros(row):
    data = row["data"]
    return sum(1 for i in range(0, len(data), 2) if data[i] == 0 and data[i + 1] & 0x7F == 0)


def check(rows, reader):
    require(len(rows) > 0, f"{reader} finds no rows")
    for row in rows:
        where = f"{reader}: block {row['block']} of {row['tensor']}"
        require(bytes(row["data"]) == source(row), f"{where} is not what the model holds")
        if row["dtype"] in ("BF16", "F16"):
            require(row["stats"]["zeros"] == zeros(row), f"{where} has another number of zeros")
            require(row["stats"]["linf"] is None or row["stats"]["linf"] >= 0, f"{where} has a negative norm")
    print(f"{reader}: {len(rows)} blocks are those of the model")


def parquet(table):
    dataset = ds.dataset(table, format="parquet", partitioning="hive", exclude_invalid_files=False)
    names = [f.name for f in dataset.schema]
    require(names == COLUMNS + ["model"], f"pyarrow sees the columns {names}")
    rows = dataset.to_table().to_pylist()
    check(rows, f"pyarrow {pa.__version__}, Parquet")
    for fragment in dataset.get_fragments():
        groups = pq.ParquetFile(fragment.path).metadata
        for g in range(groups.num_row_groups):
            for c in range(groups.num_columns):
                column = groups.row_group(g).column(c)
                require(column.has_offset_index, f"{column.path_in_schema} has no offset index")
                require("BYTE_STREAM_SPLIT" not in column.encodings, f"{column.path_in_schema} is split")
    return len(rows)


def duck(table, count):
    sql = f"SELECT * FROM read_parquet('{table}/model=*/*.parquet', hive_partitioning = true)"
    result = duckdb.sql(sql)
    rows = [dict(zip(result.columns, row)) for row in result.fetchall()]
    require(len(rows) == count, f"DuckDB sees {len(rows)} rows, pyarrow {count}")
    check(rows, f"DuckDB {duckdb.__version__}, Parquet")
    sums = duckdb.sql(f"SELECT tensor, sum(stats.sum2), sum(\"count\") FROM ({sql}) GROUP BY tensor").fetchall()
    require(len(sums) == len({row["tensor"] for row in rows}), "DuckDB groups otherwise")


def arrow(path):
    before = pa.total_allocated_bytes()
    mapped = pa.memory_map(path)
    blocks = pa.ipc.open_file(mapped).read_all()
    views = [value.as_buffer() for value in blocks["data"]]
    size = sum(view.size for view in views)
    copied = pa.total_allocated_bytes() - before
    require(size > 16 * SLACK, f"{size} bytes are too few to tell")
    require(copied < SLACK, f"pyarrow copied {copied} bytes of the mapped {path}")
    print(f"pyarrow {pa.__version__}, Arrow file: {size} bytes of data mapped, {copied} allocated")
    check(blocks.to_pylist(), "pyarrow, Arrow file")
    rows = duckdb.sql("SELECT count(*), sum(octet_length(data)) FROM blocks").fetchall()[0]
    require(rows == (blocks.num_rows, size), f"DuckDB sees {rows} in the Arrow table")
    print(f"DuckDB {duckdb.__version__}, Arrow table: {rows[0]} blocks, {rows[1]} bytes")


def stream(path):
    with pa.OSFile(path) as file:
        table = pa.ipc.open_stream(file).read_all()
    require("data" not in table.column_names, "statistics carry data")
    require(table.num_rows > 0 and table["stats"].null_count == 0, "the stream has no statistics")
    print(f"pyarrow {pa.__version__}, Arrow stream: statistics of {table.num_rows} blocks")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    duck(sys.argv[1], parquet(sys.argv[1]))
    arrow(sys.argv[2])
    stream(sys.argv[3])
