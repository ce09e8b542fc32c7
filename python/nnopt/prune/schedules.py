"""When a network loses how many of its weights.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Mapping


def _check_sparsity(name: str, value: float) -> None:
    if not 0 <= value <= 1:  # NaN too
        raise ValueError(f"{name} expects a sparsity of 0 to 1, got {value}")


class Schedule:
    """`sparsity(step)` is the part of the weights that is zero after the training step `step`; it never falls.

    `is_due(step)` says whether masks are to be chosen anew at this step; between such steps they stay.
    """

    def sparsity(self, step: int) -> float:
        raise NotImplementedError

    def is_due(self, step: int) -> bool:
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class _Ramp(Schedule):
    """Rises from `initial` at step `begin` to `final` at step `end`, every `frequency` steps and at the end."""

    final: float
    begin: int = 0
    end: int = 1
    frequency: int = 1
    initial: float = 0.0

    def __post_init__(self) -> None:
        _check_sparsity("initial", self.initial)
        _check_sparsity("final", self.final)
        if self.initial > self.final:
            raise ValueError(f"the sparsity falls from {self.initial} to {self.final}")
        if not 0 <= self.begin < self.end:
            raise ValueError(f"expects 0 <= begin < end, got {self.begin} and {self.end}")
        if self.frequency < 1:
            raise ValueError(f"frequency expects at least 1, got {self.frequency}")

    def is_due(self, step: int) -> bool:
        return step == self.end or self.begin <= step < self.end and (step - self.begin) % self.frequency == 0

    def sparsity(self, step: int) -> float:
        if step < self.begin:
            return 0.0
        if step >= self.end:
            return self.final
        due = step - (step - self.begin) % self.frequency
        return self._between((due - self.begin) / (self.end - self.begin))

    def _between(self, part: float) -> float:
        raise NotImplementedError


class Cubic(_Ramp):
    """Gradual magnitude pruning: final + (initial - final) (1 - t)^3, fast while many weights are useless, slow at the end.

    Zhu and Gupta, "To prune, or not to prune", 2017.
    """

    def _between(self, part: float) -> float:
        return self.final + (self.initial - self.final) * (1 - part)**3


class Linear(_Ramp):
    """The same number of weights each time."""

    def _between(self, part: float) -> float:
        return self.initial + (self.final - self.initial) * part


class Steps(Schedule):
    """Given sparsities from given steps on: `Steps({1000: 0.5, 2000: 0.75})`."""

    def __init__(self, sparsities: Mapping[int, float]) -> None:
        if not sparsities:
            raise ValueError("expects at least one step")
        self._steps = sorted(sparsities)
        self._values = [sparsities[step] for step in self._steps]
        for step, value in zip(self._steps, self._values):
            _check_sparsity(f"step {step}", value)
        for (step, low), (later, high) in zip(zip(self._steps, self._values), zip(self._steps[1:], self._values[1:])):
            if high < low:
                raise ValueError(f"the sparsity falls from {low} at step {step} to {high} at step {later}")

    def is_due(self, step: int) -> bool:
        return step in self._steps

    def sparsity(self, step: int) -> float:
        index = bisect.bisect_right(self._steps, step)
        return self._values[index - 1] if index else 0.0


class Constant(Steps):
    """All at once at step `at`: one-shot pruning, with training after it."""

    def __init__(self, sparsity: float, at: int = 0) -> None:
        super().__init__({at: sparsity})
