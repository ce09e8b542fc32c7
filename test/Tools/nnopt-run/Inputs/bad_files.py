"""Writes input files that do not fit mlp.mlir to a directory."""
import pathlib
import sys

import numpy as np

directory = pathlib.Path(sys.argv[1])
x, mask = np.zeros((2, 8), np.float32), np.zeros(2, np.int64)
np.savez(directory / "lacking.npz", x=x)
np.savez(directory / "unknown.npz", x=x, mask=mask, z=mask)
np.savez(directory / "dtype.npz", x=x.astype(np.float64), mask=mask)
np.savez(directory / "rank.npz", x=x[0], mask=mask)
np.savez(directory / "objects.npz", x=np.array([None]), mask=mask)
(directory / "text.so").write_text("this is text\n")
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576), }".ljust(117) + "\n"
(directory / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
