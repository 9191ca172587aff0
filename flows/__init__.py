"""Arranges pipeline steps over many photos: the Prefect flows and the command line."""

import os

# ONNX Runtime (from 1.29 on) sends usage data to Microsoft, also on Linux; its own call to stop
# that comes too late. It reads this variable once, when it is first imported in a process.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
