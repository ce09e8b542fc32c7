"""Runs a model on inputs cut off at many places and with bytes changed: nnopt-run must end with 0 or 1."""
import pathlib
import random
import subprocess
import sys

import numpy as np

model, directory = sys.argv[1], pathlib.Path(sys.argv[2])
np.savez(directory / "good.npz", x=np.zeros((2, 8), np.float32), mask=np.zeros(2, np.int64))
np.savez_compressed(directory / "small.npz", x=np.zeros((2, 8), np.float32), mask=np.zeros(2, np.int64))
np.save(directory / "good.npy", np.zeros((2, 8), np.float32))
random.seed(3)
crashed = 0
for name in ("good.npz", "small.npz", "good.npy"):
    good = (directory / name).read_bytes()
    for attempt in range(25):
        bad = bytearray(good[:random.randrange(len(good))]) if attempt < 8 else bytearray(good)
        for _ in range(random.randrange(4) if attempt < 8 else 1 + random.randrange(6)):
            if bad:
                bad[random.randrange(len(bad))] = random.randrange(256)
        path = directory / ("bad" + name[-4:])
        path.write_bytes(bad)
        code = subprocess.run(["nnopt-run", model, "--engine=reference", f"--input={path}"], capture_output=True).returncode
        if code not in (0, 1):
            crashed += 1
            path.rename(directory / f"crash-{attempt}-{name}")
print(crashed, "crashed")
