"""A chat in a process of its own that looks for model servers on the ports that are given, not on the usual ones.

python first_chat.py PORT...        (in a directory with tandem.yaml)
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hybrid.models import detection
from tandem.server import serve
from tandem.settings import load

if __name__ == "__main__":
    detection.USUAL = tuple((f"Server {number}", int(port)) for number, port in enumerate(sys.argv[1:], 1))
    serve(load(), lambda address, _: print(address, flush=True))
