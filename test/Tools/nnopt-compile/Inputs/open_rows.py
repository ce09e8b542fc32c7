"""Writes a module of one linear layer, 64 to 64 with 92 % zeros, whose rows are open."""
import pathlib
import sys

import numpy as np

rng = np.random.default_rng(0)
weight = rng.normal(size=(64, 64)).astype(np.float32)
weight[rng.random(weight.shape) < 0.92] = 0
pathlib.Path(sys.argv[1]).write_text(f"""func.func @main(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {{
  %w = nnopt.weight "w" dense<"0x{weight.tobytes().hex()}"> : tensor<64x64xf32>
  %y = nnopt.linear %x, %w : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}}
""")
