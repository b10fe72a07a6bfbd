"""A chat in a process of its own whose encoders are those of another manifest.

python encoder_chat.py MANIFEST        (in a directory with tandem.yaml)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tandem import encoder
from tandem.server import serve
from tandem.settings import load

if __name__ == "__main__":
    encoder.MANIFEST = Path(sys.argv[1])
    serve(load(), lambda address, _: print(address, flush=True))
