"""The documentation keeps its promises: links lead somewhere.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
GENERATED = {"Dialect.md", "Passes.md", "Operators.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    local = [link for link in links if "://" not in link and pathlib.Path(link).name not in GENERATED]
    assert [link for link in local if not (page.parent / link).exists()] == []
