"""What the examples measure of a compiled network, and the tables they write.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import datetime
import json
import os
import pathlib
import statistics

import numpy as np

import nnopt
from bench.measure import describe, real_time, table, timed_calls


@contextlib.contextmanager
def undisturbed():
    """Real-time scheduling where the user may: other processes do not take part in the time."""
    granted = real_time()
    try:
        yield
    finally:
        if granted:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def footprint(model, path, feeds):
    """Columns of every table: MiB of the file, MiB of weights and workspace, milliseconds of a call with one thread (median of a second).

    The shapes of the model are fixed, so that its workspace is known.
    """
    alone = nnopt.load(path, threads=1).bind(**feeds)
    with undisturbed():
        times = timed_calls(alone, 1)
    return {
        "file_mib": pathlib.Path(path).stat().st_size / 2**20,
        "memory_mib": (model.weight_bytes + model.workspace_bytes) / 2**20,
        "milliseconds": statistics.median(times),
    }


def answers(model, inputs, batch):
    """Calls `model` on `inputs` (name to array) in slices of `batch`; the last one is filled up by repeating its first row."""
    count, outputs = len(next(iter(inputs.values()))), []
    for start in range(0, count, batch):
        rows = np.arange(start, start + batch)
        rows[rows >= count] = start
        outputs.append(model(**{name: array[rows] for name, array in inputs.items()})[0][:count - start])
    return np.concatenate(outputs)


def markdown(rows, columns):
    """A table of `rows` (dictionaries); `columns` maps a key to its title and format. What a row lacks is left empty."""
    cells = [["" if row.get(key) is None else form.format(row[key]) for key, (_, form) in columns.items()] for row in rows]
    return table([title for title, _ in columns.values()], cells, markdown=True)


def write(out, name, rows, columns, facts):
    """Writes `name`.md and `name`.json into the folder `out` and returns the Markdown."""
    facts = {"date": datetime.date.today().isoformat(), "machine": describe().split(";")[0], **facts}
    text = markdown(rows, columns) + "\n\n" + "; ".join(f"{key}: {value}" for key, value in facts.items()) + "\n"
    out = pathlib.Path(out)
    (out / f"{name}.md").write_text(text)
    (out / f"{name}.json").write_text(json.dumps({"facts": facts, "rows": rows}, indent=2) + "\n")
    return text
