"""RapidOCR: PaddleOCR's models, which lie inside its package, on ONNX Runtime. Needs no network.

Knows how it is called. Does not know pages or documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rag.formats.recognised import Line
from rag.memory import give_back

if TYPE_CHECKING:
    from PIL.Image import Image

_LARGEST_SIDE = 2600
_LINES_SIDE = 736


class Rapid:
    """One set of loaded models. One caller at a time."""

    def __init__(self, threads: int) -> None:
        """Load the models; `threads` bounds the cores they use."""
        from rapidocr import RapidOCR

        engine = "EngineConfig.onnxruntime"
        self._engine = RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.max_side_len": _LARGEST_SIDE,
                "Global.use_cls": False,
                # Lines are found in a smaller picture and read in the whole one, one by one: half the memory or less.
                "Det.limit_type": "max",
                "Det.limit_side_len": _LINES_SIDE,
                "Rec.rec_batch_num": 1,
                f"{engine}.intra_op_num_threads": threads,
                f"{engine}.inter_op_num_threads": 1,
            }
        )

    def read(self, image: Image) -> Sequence[Line]:
        """The lines of a picture in RGB."""
        import numpy as np

        try:
            found: Any = self._engine(np.asarray(image)[:, :, ::-1])
        finally:
            give_back()  # twice as much stays taken otherwise, and grows from picture to picture
        if found is None or found.boxes is None or found.txts is None:
            return ()
        return [
            Line(str(text), float(score), tuple((float(x), float(y)) for x, y in box))
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        ]
