"""The part of nnopt.prune that works on PyTorch modules and checkpoints.

SPDX-License-Identifier: Apache-2.0
"""

import numpy as np
import pytest

from nnopt import prune

torch = pytest.importorskip("torch")


@pytest.fixture
def module():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Conv2d(4, 6, 3, groups=2), torch.nn.ConvTranspose2d(6, 5, 2), torch.nn.Flatten(), torch.nn.Linear(5 * 49, 10))


def test_layouts(module):
    assert prune.layouts_of(module) == {
        "0.weight": prune.Layout("conv", 2), "1.weight": prune.Layout("conv_transpose"), "3.weight": prune.Layout("linear")}
    tied = torch.nn.Linear(3, 3)
    assert len(prune.layouts_of(torch.nn.Sequential(tied, tied))) == 1


def test_pruned_weights_stay_zero_while_training(module):
    pruner = prune.TorchPruner(module, prune.Cubic(0.9, begin=2, end=10, frequency=4), scope="global", exclude=["0.*"])
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    x, labels = torch.randn(16, 4, 8, 8), torch.randint(10, (16,))
    before, chosen = {}, []
    for step in range(14):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(x), labels).backward()
        optimizer.step()
        if pruner.step(step):
            chosen.append(step)
        for name, mask in pruner.masks.items():
            weight = dict(module.named_parameters())[name].detach().numpy()
            assert not weight[~mask].any()
            assert not (mask & ~before.get(name, np.ones_like(mask))).any()  # what is gone does not come back
            before[name] = mask
    assert chosen == [2, 6, 10]
    assert set(pruner.masks) == {"1.weight", "3.weight"}
    assert pruner.masks.sparsity() == pytest.approx(0.9, abs=1e-3)
    assert (module[0].weight != 0).all()


def test_unknown_names_are_errors(module):
    with pytest.raises(ValueError, match="no Linear or Conv weight is called 'fc'; there are 0.weight, 1.weight, 3.weight"):
        prune.TorchPruner(module, prune.Constant(0.5), exclude=["fc"])
    with pytest.raises(ValueError, match="'fc' matches none of the 6 weights"):
        prune.Masks({"fc": np.ones((1, 1), bool)}).apply_to_torch(module)


def test_masks_on_a_module(module):
    mask = np.zeros((10, 245), bool)
    prune.Masks({"3.weight": mask}).apply_to_torch(module)
    assert not module[3].weight.any()


@pytest.mark.filterwarnings("ignore:Sparse")
def test_sparse_checkpoints(tmp_path):
    weight = torch.randn(6, 8) * (torch.rand(6, 8) > 0.8)
    state = {"coo": weight.to_sparse(), "csr": weight.to_sparse_csr(), "bsr": weight.to_sparse_bsr((2, 2)), "half": weight.bfloat16(), "plain": weight}
    for source in (state, tmp_path / "state.pt"):
        if source is not state:
            torch.save(state, source)
        loaded = prune.load_weights(source)
        for name in ("coo", "csr", "bsr", "plain"):
            np.testing.assert_array_equal(loaded[name], weight.numpy())
        np.testing.assert_array_equal(loaded["half"], weight.bfloat16().float().numpy())
