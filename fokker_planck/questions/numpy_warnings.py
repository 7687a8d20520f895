"""What numpy says of single numbers while a question is answered."""

import numpy as np

quietly = np.errstate(all="ignore")
"""Infinities and what is no number are looked for where they may come up; numpy's warnings, some of which only tell of
lanes of a vector register that hold no number, say nothing to who asks a question."""
