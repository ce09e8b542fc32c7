"""How the benchmarks measure: interleaved rounds, medians with their spread, and what machine it was.

SPDX-License-Identifier: Apache-2.0
"""

import os
import platform
import statistics
import time

FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "asimd", "asimddp", "i8mm", "sve")


def machine():
    """Name, count and relevant features of the processor, as a dictionary."""
    name, flags = platform.processor() or platform.machine(), []
    try:
        with open("/proc/cpuinfo") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        name = fields.get("model name", name)
        flags = (fields.get("flags") or fields.get("Features") or "").split()
    except OSError:
        pass
    return {"cpu": name, "cores": len(os.sched_getaffinity(0)), "flags": [f for f in FLAGS if f in flags]}


def real_time():
    """Asks for SCHED_RR, which threads made later inherit, so that other processes do not disturb; says if it may."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        return True
    except (PermissionError, AttributeError):
        return False


def describe():
    """One line on the machine and the scheduling of this process."""
    facts = machine()
    scheduling = "real-time scheduling" if os.sched_getscheduler(0) == os.SCHED_RR else "ordinary scheduling"
    return f"{facts['cpu']}, {facts['cores']} cores, {' '.join(facts['flags'])}; {scheduling}"


def timed_calls(call, seconds, fewest=3):
    """Calls once to warm up, then for `seconds` and at least `fewest` times; returns milliseconds per call."""
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < fewest or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return times


# Between two engines: idle threads of the last one may spin for a while, on cores that the next one needs.
SETTLE_SECONDS = 0.03


def interleave(calls, rounds, seconds):
    """Measures the calls (name to function) in turn, `rounds` times, starting with another one each round.

    Returns name to the median of each round, in milliseconds.
    """
    names = list(calls)
    medians = {name: [] for name in names}
    for index in range(rounds):
        shift = index % len(names)
        for name in names[shift:] + names[:shift]:
            time.sleep(SETTLE_SECONDS)
            medians[name].append(statistics.median(timed_calls(calls[name], seconds)))
    return medians


def summary(values):
    """Median and spread: half the distance between the quartiles, relative to the median."""
    median = statistics.median(values)
    if len(values) < 2:
        return {"median": median, "spread": 0.0}
    low, _, high = statistics.quantiles(values, n=4)
    return {"median": median, "spread": (high - low) / 2 / median if median else 0.0}


def ratio(values, reference):
    """Median over the rounds of how many times faster `values` is than `reference` in the same round."""
    return statistics.median(r / v for v, r in zip(values, reference))


def table(header, rows, markdown=False):
    """The rows as text with aligned columns, or as a Markdown table. Numbers are already strings."""
    cells = [header, *rows]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(header))]
    if markdown:
        lines = ["| " + " | ".join(str(c) for c in row) + " |" for row in cells]
        lines.insert(1, "|" + "---|" * len(header))
        return "\n".join(lines)
    lines = ["  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w)
                       for i, (c, w) in enumerate(zip(row, widths))) for row in cells]
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(lines)
