"""Files of many formats into passages, and passages into sources of answers: read, kept, found, cited by sentence.

The door is `library.Library`. Does not know models that write, the web, nor people beyond a `principal.Principal`. Not
to be touched lightly: whatever changes what a passage says or where it lies makes every index anew.
"""

import os

# ONNX Runtime looks up its maker's collector as soon as it is imported, and leaves an identifier in the home directory;
# whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
