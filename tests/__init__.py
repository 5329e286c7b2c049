"""The tests, and every process they start, compute with one thread unless told otherwise.

Their arrays are small: a second thread mostly waits for the first, and burns the core that the browser, the app or a
job of the same test needs. Set here since this is imported before NumPy is; Numba's number too, because its first
parallel function raises that of PyTorch to its own.
"""

import os

for _name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
