"""To import this is to import all that every worker of a suite needs.

Workers are copies of a process that has done so. None of it is ever garbage: Python does not look
for any meanwhile (that took a fifth of the time), and never looks at it again, in no copy. So the
copies also share its memory, where each look would write.
"""

from __future__ import annotations

import gc
from importlib import import_module

NEEDED = ("orchestra.runtime.batch", "orchestra.runtime.finder", "orchestra.verbs.tested")

gc.disable()
try:
    for name in NEEDED:
        import_module(name)
finally:
    gc.freeze()
    gc.enable()
