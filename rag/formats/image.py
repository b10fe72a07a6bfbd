"""Pictures of documents (PNG, JPEG, TIFF, WebP): their text is read, each picture of a file as a page.

Knows how pictures are opened, turned upright and bounded. Does not read their text itself (`rag.ocr` does).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.errors import DocumentError
from rag.formats.extracted import Builder, Extracted
from rag.formats.page_writer import Flow, Writer, flow_of, take_running_lines
from rag.formats.pdf_page import Page
from rag.formats.recognised import Recogniser, read_picture

if TYPE_CHECKING:
    from PIL.Image import Image


_MOST_PIXELS = 120_000_000
_MOST_PAGES = 500
_LARGEST_SIDE = 3_500
_LEAST_SIDE = 40
_DOTS = 150.0
_BROKEN = "The picture is damaged and cannot be read; open it in a viewer and save it again."


def read_image(data: bytes, recogniser: Recogniser | None = None) -> Extracted:
    """The text in a picture; without a `recogniser`, no text but the pages that it could read. Raises DocumentError."""
    builder = Builder()
    if recogniser is None:
        builder.unread.append(1)
        return builder.build()
    flows: list[Flow] = []
    for number, image in enumerate(_pictures(data), 1):
        width, height = image.width / _DOTS * 72, image.height / _DOTS * 72
        reading = read_picture(image, recogniser, width, height)
        flows.append(flow_of(Page(number, reading.width, reading.height, reading.words)))
        if reading.words:
            builder.pictures.append((number, reading.confidence))
    take_running_lines(flows)
    Writer(builder, flows).write()
    return builder.build()


def _pictures(data: bytes) -> Iterator[Image]:
    from PIL import Image as images
    from PIL import ImageOps, ImageSequence

    images.MAX_IMAGE_PIXELS = _MOST_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", images.DecompressionBombWarning)
            with images.open(io.BytesIO(data), formats=("PNG", "JPEG", "TIFF", "WEBP")) as opened:
                frames = ImageSequence.Iterator(opened) if opened.format == "TIFF" else [opened]
                for count, frame in enumerate(frames):
                    if count >= _MOST_PAGES:
                        return
                    if min(frame.size) < _LEAST_SIDE:
                        continue
                    yield _upright(ImageOps.exif_transpose(frame))
    except (images.DecompressionBombError, images.DecompressionBombWarning) as error:
        limit = _MOST_PIXELS // 1_000_000
        raise DocumentError(f"The picture has more than {limit} million pixels; save it smaller.") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise DocumentError(_BROKEN) from error


def _upright(image: Image) -> Image:
    """In RGB on white, and no larger than text needs."""
    if max(image.size) > _LARGEST_SIDE:
        image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        from PIL import Image as images

        image = image.convert("RGBA")
        white = images.new("RGBA", image.size, "white")
        return images.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
