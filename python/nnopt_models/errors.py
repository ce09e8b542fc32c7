"""The one exception that users of this package see.

SPDX-License-Identifier: Apache-2.0
"""


class ModelError(Exception):
    """A model cannot be had: no network, a package that changed, a file that is not what it says."""
