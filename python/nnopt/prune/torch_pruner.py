"""Masks on a PyTorch module while it trains. torch is imported only when it is used.

SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Any, Optional

from .layouts import Layout
from .masks import Masks
from .schedules import Schedule
from .selection import magnitude_masks


def layouts_of(module: Any) -> "dict[str, Layout]":
    """The weights of the Linear and Conv layers in a torch module, by parameter name, and how they are stored."""
    from torch import nn
    from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

    layouts, seen = {}, set()
    for name, layer in module.named_modules():
        weight = getattr(layer, "weight", None)
        if isinstance(layer, nn.Linear):
            layout = Layout("linear")
        elif isinstance(layer, _ConvNd):
            layout = Layout("conv_transpose" if isinstance(layer, _ConvTransposeNd) else "conv", layer.groups)
        else:
            continue
        if weight is not None and id(weight) not in seen:  # a shared weight is pruned once
            seen.add(id(weight))
            layouts[f"{name}.weight" if name else "weight"] = layout
    return layouts


def apply_masks(module: Any, masks: Masks) -> None:
    """Sets parameters to zero in place. Raises ValueError if a mask has no parameter or another shape."""
    import torch

    parameters = dict(module.named_parameters())
    masks.check({name: tuple(parameter.shape) for name, parameter in parameters.items()})
    with torch.no_grad():
        for name, mask in masks.items():
            parameter = parameters[name]
            parameter.masked_fill_(torch.from_numpy(~mask).to(parameter.device), 0)


class TorchPruner:
    """Prunes the Linear and Conv weights of a module along a schedule.

    `step(n)` after every optimizer step: chooses masks anew when the schedule says so, and sets pruned weights back to zero,
    which the optimizer moved. `exclude`, `only`: globs on parameter names. The other options are `magnitude_masks`'.
    """

    def __init__(self, module: Any, schedule: Schedule, pattern: str = "unstructured", scope: str = "uniform", norm: str = "l1",
                 exclude: Iterable[str] = (), only: Optional[Iterable[str]] = None) -> None:
        self.module, self.schedule = module, schedule
        self._options = {"pattern": pattern, "scope": scope, "norm": norm}
        layouts = layouts_of(module)
        exclude, only = list(exclude), list(only) if only is not None else ["*"]
        for glob in (*exclude, *only):
            if not any(fnmatch.fnmatchcase(name, glob) for name in layouts):
                raise ValueError(f"no Linear or Conv weight is called '{glob}'; there are {', '.join(layouts)}")
        self.layouts = {name: layout for name, layout in layouts.items()
                        if any(fnmatch.fnmatchcase(name, glob) for glob in only)
                        and not any(fnmatch.fnmatchcase(name, glob) for glob in exclude)}
        self.masks = Masks({})
        self._removed: "list[tuple[Any, Any]]" = []

    def step(self, step: int) -> bool:
        """Returns whether the masks were chosen anew."""
        import torch

        due = self.schedule.is_due(step)
        if due:
            self._choose(self.schedule.sparsity(step))
        with torch.no_grad():
            for parameter, removed in self._removed:
                parameter.masked_fill_(removed, 0)
        return due

    def _choose(self, sparsity: float) -> None:
        import torch

        parameters = dict(self.module.named_parameters())
        weights = {name: parameters[name].detach().float().cpu().numpy() for name in self.layouts}
        self.masks = magnitude_masks(weights, sparsity, layouts=self.layouts, **self._options)
        self._removed = [(parameters[name], torch.from_numpy(~mask).to(parameters[name].device)) for name, mask in self.masks.items()]
