"""Draws the deferral curve as a PNG.

Knows axes and colours. Does not know how a curve is measured. Needs matplotlib, which only this picture needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rag.errors import UserFacingError
from tandem.evaluate.measures import Floats


def deferral(curves: Mapping[str, Floats], file: Path) -> None:
    """Quality over the share of drafts escalated, one line a policy. Raises UserFacingError."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise UserFacingError(
            "The picture needs matplotlib; install it with: pip install 'tandem-assistant[evaluate]'"
        ) from None
    figure = Figure(figsize=(7, 4.5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, curve in curves.items():
        shares = np.linspace(0.0, 1.0, len(curve))
        axes.plot(shares, curve, label=name.replace("_", " "), linewidth=2.4 if name == "logistic" else 1.2)
    axes.set_xlabel("share of drafts that go to the large model")
    axes.set_ylabel("share of right answers")
    axes.set_xlim(0, 1)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    try:
        figure.savefig(file, format="png")
    except OSError as error:
        raise UserFacingError(f"The picture could not be written to {file} ({error.strerror}).") from None
