"""Blocks of pairs on a device: their size, and the flags of a pair, for torch and for Triton."""

BLOCK = 128
"""Rows and columns of a block."""
STEP = 32
"""Features that a kernel works on at a time; the width of stand-ins is filled up to a multiple."""
OF_ROW, OF_COLUMN, UNDECIDED = 1, 2, 4
"""Surely nearer than the limit of the row, than that of the column, and whether the bounds leave either open."""
OF_BOTH = OF_ROW | OF_COLUMN
