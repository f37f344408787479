#!/usr/bin/env python3
"""Whole merges side by side in one run: weightloom, mergekit and the floor of reading and writing the same bytes.

usage: bench.py [DIRECTORY] [--runs 3] [--peer-runs 1] [--no-peer] [--venv VENV] [--methods linear,ties,dare_ties]
                [--zoo ZOO] [--size 1.1b] [--sparse] [--gate] [--json FILE] [--weightloom COMMAND] [--java-options TEXT]

DIRECTORY (default ${TMPDIR:-/tmp}/weightloom-bench) holds the checkpoints, made on the first run (about 9 GB), and the outputs.
VENV is the environment of dev/peers.sh; it is also used to make the checkpoints. Prints Markdown and writes JSON.
With --gate it exits with 4 if a promise of the README is missed. Everything measured goes with the machine it was measured on:
compare columns of one run, never numbers of two.
"""
import argparse
import json
import os
import platform
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import llama

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FASTER = {"linear": 3.0, "ties": 20.0, "dare_ties": 10.0}  # times as fast as mergekit, at least
FLOOR = {"linear": 2.0, "ties": 3.0}  # times the floor, at most, without the start
PEAK_MIB = 2048
BUFFER = 16 << 20
PAGES = 4 << 30  # an output of 2.2 GB, and what a process takes itself


class Failed(Exception):
    pass


def shown(path):
    return Path(path).read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]


def tree(pid):
    """The process and its descendants."""
    out = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                out += tree(int(child))
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        pass
    return out


def resident(pid, field):
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


class Watch(threading.Thread):
    """Samples what wait4 cannot tell: the sum over the tree, and anonymous memory apart from mapped files."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.stop, self.anonymous, self.sum = pid, threading.Event(), 0, 0

    def run(self):
        while not self.stop.wait(0.1):
            pids = tree(self.pid)
            self.sum = max(self.sum, sum(resident(p, "VmRSS:") for p in pids))
            self.anonymous = max(self.anonymous, sum(resident(p, "RssAnon:") for p in pids))


def timed(command, log, env=None, limit=3600):
    """Wall seconds, CPU seconds and peak memory in MiB of a command and its children."""
    with open(log, "w") as f:
        start = time.monotonic()
        process = subprocess.Popen([str(c) for c in command], stdout=f, stderr=subprocess.STDOUT,
                                   env=os.environ | (env or {}), start_new_session=True)
        watch = Watch(process.pid)
        watch.start()
        timer = threading.Timer(limit, lambda: os.killpg(process.pid, signal.SIGKILL))
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
            watch.stop.set()
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
    if process.returncode:
        raise Failed(f"`{shlex.join(str(c) for c in command)}` ended with {process.returncode}: {shown(log)[0][:300]}")
    # ru_maxrss is the largest single process; the sum over the tree counts children that live at the same time.
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "rss_mib": max(usage.ru_maxrss, watch.sum) / 1024,
            "anonymous_mib": watch.anonymous / 1024}


def weights(directory):
    return sorted(Path(directory).glob("*.safetensors"))


def read_once(paths):
    start, buffer = time.monotonic(), bytearray(BUFFER)
    for path in paths:
        with open(path, "rb", buffering=0) as f:
            while f.readinto(buffer):
                pass
    return time.monotonic() - start


def settle(paths):
    """The same state of memory before each run that is timed, whoever's it is: inputs in the page cache, and pages for
    an output at hand. A virtual machine gives pages that lie idle back to its host; which of two runs then has to fetch
    them again is chance, and costs seconds."""
    os.sync()
    read_once(paths)
    touch = "import mmap, sys; m = mmap.mmap(-1, int(sys.argv[1])); [m.__setitem__(i, 1) for i in range(0, len(m), 4096)]"
    subprocess.run([sys.executable, "-c", touch, str(PAGES)], check=True)


def write_once(paths, out):
    """Copies one model's weights; read and write, since the bytes have to come from somewhere."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    settle(paths)
    start = time.monotonic()
    subprocess.run(["cp", "--reflink=never", "--sparse=never", *paths, out], check=True)
    seconds = time.monotonic() - start
    shutil.rmtree(out)
    return seconds


def recipe(method, zoo, path):
    lines = [f"merge_method: {method}"] + ([] if method == "linear" else [f"base_model: {zoo}/base"]) + ["models:"]
    for i in (1, 2, 3):
        parameters = "{weight: 0.33}" if method == "linear" else "{weight: 0.4, density: 0.5}"
        lines += [f"  - model: {zoo}/ft{i}", f"    parameters: {parameters}"]
    path.write_text("\n".join(lines + ["dtype: bfloat16"]) + "\n")
    return path


def inputs(method, zoo):
    models = ["ft1", "ft2", "ft3"] if method == "linear" else ["base", "ft1", "ft2", "ft3"]
    return [p for m in models for p in weights(zoo / m)]


def machine(venv, command, env):
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.processor())
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    out = {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "memory_mib": memory, "system": platform.platform(),
           "load_before": os.getloadavg()[0]}
    java = os.environ.get("JAVA_HOME")
    java = f"{java}/bin/java" if java else "java"
    first = lambda c: (subprocess.run(c, capture_output=True, text=True, env=os.environ | env) if shutil.which(str(c[0])) else None)
    for name, line in (("java", [java, "-version"]), ("weightloom", [*command, "--version"])):
        done = first(line)
        text = (done.stdout + done.stderr).strip().splitlines() if done else []
        out[name] = text[0] if text and not (done.returncode) else "unknown"
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    out["commit"] = commit.stdout.strip() or "unknown"
    if venv:
        code = "import importlib.metadata as m; print(*(p + ' ' + m.version(p) for p in ('mergekit', 'torch', 'transformers')), sep=', ')"
        out["peer"] = subprocess.run([venv / "bin/python", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    return out


def repeat(times, files, command, out, log, env=None):
    """The run of median wall time, with the largest memory of all."""
    runs = []
    for _ in range(times):
        shutil.rmtree(out, ignore_errors=True)
        settle(files)
        runs.append(timed(command, log, env))
    shutil.rmtree(out, ignore_errors=True)
    runs.sort(key=lambda r: r["wall_s"])
    middle = dict(runs[len(runs) // 2])
    if len(runs) % 2 == 0:
        middle["wall_s"] = statistics.median(r["wall_s"] for r in runs)
    middle |= {k: max(r[k] for r in runs) for k in ("rss_mib", "anonymous_mib")}
    return middle | {"walls_s": [round(r["wall_s"], 3) for r in runs]}


def prepare(args):
    python = args.venv / "bin/python" if (args.venv / "bin/python").exists() else Path(sys.executable)
    for script, directory, more in (("zoo.py", args.zoo, ["--size", args.size]), ("zoo.py", args.directory / "tiny", ["--size", "tiny"])):
        if args.zoo_given and directory == args.zoo:
            continue
        if subprocess.run([python, HERE / script, directory, *more]).returncode:
            raise Failed(f"Cannot make {directory} with {python} (make the environment with dev/peers.sh, or name one with --venv)")
    if args.sparse and not (args.directory / "sparse/ft3/config.json").exists():
        subprocess.run([sys.executable, HERE / "sparse_zoo.py", args.directory / "sparse"], check=True)


def measure(args, ours, env):
    work, out = args.directory, args.directory / "out"
    peer = None if args.no_peer else args.venv / "bin/mergekit-yaml"
    if peer and not peer.exists():
        raise Failed(f"Cannot run the peer: no {peer} (make it with dev/peers.sh, name it with --venv, or leave it out with --no-peer)")
    result = {"machine": machine(args.venv if peer else None, ours, env), "methods": {}}
    result["date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    merge = lambda r: [*ours, "merge", r, out, "--numerics", "accurate", "--seed", "7", "--progress", "none"]
    if not args.peer_only:
        result["start"] = repeat(args.runs, [], merge(recipe("linear", args.directory / "tiny", work / "tiny.yml")), out, work / "start.log", env)
    for method in args.methods:
        files = inputs(method, args.zoo)
        read_once(files)  # warms the page cache for all that follows
        row = {"floor_read_s": statistics.median(read_once(files) for _ in range(args.runs)),
               "floor_write_s": statistics.median(write_once(weights(args.zoo / "ft1"), out) for _ in range(args.runs))}
        row["floor_s"] = row["floor_read_s"] + row["floor_write_s"]
        row["input_bytes"] = sum(p.stat().st_size for p in files)
        text = recipe(method, args.zoo, work / f"{method}.yml")
        if not args.peer_only:
            row["ours"] = repeat(args.runs, files, merge(text), out, work / f"{method}.log", env)
        if peer:
            row["peer"] = repeat(args.peer_runs, files, [peer, text, out, "--no-copy-tokenizer", "--quiet"], out, work / f"{method}-peer.log")
        result["methods"][method] = row
        print(f"{method}: done", file=sys.stderr, flush=True)
    if args.sparse and not args.peer_only:
        result["sparse"] = repeat(1, [], merge(recipe("ties", args.directory / "sparse", work / "sparse.yml")), out, work / "sparse.log", env)
    result["machine"]["load_after"] = os.getloadavg()[0]
    return result


def ratios(result):
    start = result.get("start", {}).get("wall_s", 0)
    for row in result["methods"].values():
        if "ours" in row and "peer" in row:
            row["times_as_fast"] = row["peer"]["wall_s"] / row["ours"]["wall_s"]
        if "ours" in row:
            row["times_floor"] = max(0.0, row["ours"]["wall_s"] - start) / row["floor_s"]


def cell(value, pattern="{:.1f}"):
    return "–" if value is None else pattern.format(value)


def markdown(result):
    m = result["machine"]
    lines = [f"{m['cpu']}, {m['cores']} cores, {m['memory_mib']} MiB; load {m['load_before']:.1f} before, {m['load_after']:.1f} after",
             f"weightloom {m['weightloom']} ({m['commit']}); {m['java']}; {m.get('peer', 'no peer')}", "",
             "| method | weightloom s | mergekit s | times as fast | floor s (read + write) | times the floor, less the start | weightloom peak MiB (anonymous) | mergekit peak MiB (anonymous) |",
             "|---|---|---|---|---|---|---|---|"]
    get = lambda row, who, key: row[who][key] if who in row else None
    for method, row in result["methods"].items():
        memory = [f"{cell(get(row, w, 'rss_mib'), '{:.0f}')} ({cell(get(row, w, 'anonymous_mib'), '{:.0f}')})" for w in ("ours", "peer")]
        lines.append(f"| {method} | {cell(get(row, 'ours', 'wall_s'))} | {cell(get(row, 'peer', 'wall_s'))} | {cell(row.get('times_as_fast'))} | "
                     f"{row['floor_s']:.1f} ({row['floor_read_s']:.1f} + {row['floor_write_s']:.1f}) | {cell(row.get('times_floor'), '{:.2f}')} | {' | '.join(memory)} |")
    for name, title in (("start", "start of JVM and Spark (a merge of a tiny model)"), ("sparse", "ties on the sparse family")):
        if name in result:
            r = result[name]
            lines.append(f"\n{title}: {r['wall_s']:.1f} s, peak {r['rss_mib']:.0f} MiB ({r['anonymous_mib']:.0f} anonymous)")
    return "\n".join(lines)


def missed(result):
    """The promises that this run did not keep."""
    out = []
    for method, row in result["methods"].items():
        if row.get("times_as_fast", 1e9) < FASTER.get(method, 0):
            out.append(f"{method} is {row['times_as_fast']:.1f} times as fast as mergekit, promised {FASTER[method]:g}")
        if row.get("times_floor", 0) > FLOOR.get(method, 1e9):
            out.append(f"{method} takes {row['times_floor']:.2f} times the floor, promised {FLOOR[method]:g}")
    peaks = {m: r["ours"] for m, r in result["methods"].items() if "ours" in r}
    if "sparse" in result:
        peaks["ties on the sparse family"] = result["sparse"]
    out += [f"{m} peaks at {r['rss_mib']:.0f} MiB, promised {PEAK_MIB}" for m, r in peaks.items() if r["rss_mib"] > PEAK_MIB]
    return out


def arguments():
    usage = __doc__.split("usage: ")[1].split("\n\n")[0]
    parser = argparse.ArgumentParser(usage=usage)
    default = Path(os.environ.get("TMPDIR", "/tmp"), "weightloom-bench")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "weightloom/peers")
    parser.add_argument("directory", type=Path, nargs="?", default=default)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-runs", type=int, default=1)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--peer-only", action="store_true", help="measures the peer and the floor alone")
    parser.add_argument("--venv", type=Path, default=cache)
    parser.add_argument("--methods", default="linear,ties,dare_ties")
    parser.add_argument("--zoo", type=Path, help="a family made before (default DIRECTORY/zoo)")
    parser.add_argument("--size", choices=llama.SIZES, default="1.1b")
    parser.add_argument("--sparse", action="store_true", help="also ties on a family 8 times larger, for its memory")
    parser.add_argument("--gate", action="store_true")
    parser.add_argument("--json", type=Path, help="default DIRECTORY/bench.json")
    parser.add_argument("--weightloom", default=str(ROOT / "bin/weightloom"), help="the command, default bin/weightloom")
    parser.add_argument("--java-options", help="appended to JAVA_TOOL_OPTIONS of weightloom")
    args = parser.parse_args()
    args.directory, args.venv = args.directory.resolve(), args.venv.absolute()
    args.zoo_given, args.zoo = bool(args.zoo), (args.zoo or args.directory / ("zoo" if args.size == "1.1b" else f"zoo-{args.size}")).resolve()
    args.methods = args.methods.split(",")
    if args.no_peer and args.peer_only:
        parser.error("--no-peer and --peer-only leave nothing to measure")
    return args


def main():
    args = arguments()
    args.directory.mkdir(parents=True, exist_ok=True)
    env = {}
    if args.java_options:
        env["JAVA_TOOL_OPTIONS"] = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {args.java_options}".strip()
    try:
        prepare(args)
        result = measure(args, shlex.split(args.weightloom), env)
    except (Failed, OSError, subprocess.CalledProcessError) as e:
        print(e, file=sys.stderr)
        sys.exit(1)
    ratios(result)
    (args.json or args.directory / "bench.json").write_text(json.dumps(result, indent=2) + "\n")
    print(markdown(result))
    broken = missed(result)
    for line in broken:
        print(f"missed: {line}", file=sys.stderr)
    sys.exit(4 if args.gate and broken else 0)


if __name__ == "__main__":
    main()
