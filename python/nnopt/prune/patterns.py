"""Which elements of a weight become zero together.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import dataclasses
import re

# Whole outputs or whole inputs of a layer; the other names are what they are called in convolutions and dense layers.
STRUCTURED = {"rows": "rows", "channels": "rows", "neurons": "rows", "columns": "columns"}


@dataclasses.dataclass(frozen=True)
class Pattern:
    """`unstructured`; blocks `RxC` of outputs and inputs; `N:M`, all but N of M inputs in a row; `rows`, `columns`.

    `rows` are whole outputs, also called `channels` or `neurons`; `columns` whole inputs; both with all taps of a convolution.
    """

    kind: str  #: "unstructured", "block", "nm", "rows" or "columns"
    rows: int = 1
    columns: int = 1
    kept: int = 0
    group: int = 0

    @classmethod
    def parse(cls, text: "str | Pattern") -> "Pattern":
        """Raises ValueError with what is wrong."""
        if isinstance(text, cls):
            return text
        if text == "unstructured":
            return cls("unstructured")
        if text in STRUCTURED:
            return cls(STRUCTURED[text])
        if match := re.fullmatch(r"(\d+)x(\d+)", text, re.ASCII):
            rows, columns = map(int, match.groups())
            if min(rows, columns) < 1:
                raise ValueError(f"pattern '{text}' expects blocks of at least 1x1")
            return cls("block", rows, columns)
        if match := re.fullmatch(r"(\d+):(\d+)", text, re.ASCII):
            kept, group = map(int, match.groups())
            if not 1 <= kept < group:
                raise ValueError(f"pattern '{text}' expects to keep at least 1 and fewer than {group}")
            return cls("nm", kept=kept, group=group)
        raise ValueError(f"unknown pattern '{text}', expected unstructured, RxC as in 4x1, N:M as in 2:4, "
                         f"{', '.join(STRUCTURED)}")

    def __str__(self) -> str:
        if self.kind == "block":
            return f"{self.rows}x{self.columns}"
        return f"{self.kept}:{self.group}" if self.kind == "nm" else self.kind

    @property
    def implied_sparsity(self) -> "float | None":
        """What N:M says itself."""
        return 1 - self.kept / self.group if self.kind == "nm" else None
