"""Known before a photo arrives: forms, rules, regions, records, the store, the recognisers."""

import os

# onnxruntime reports its use to its maker unless this is set before it is imported. Nothing that
# chasil does may leave the machine.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
