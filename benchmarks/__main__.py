"""Run every benchmark in turn."""

import runpy

SCRIPTS = (
    "server_idle",
    "management_api",
    "import_archive",
    "sclite_agreement",
    "display_text",
    "announcing",
    "batch_overhead",
    "long_recording",
    "phrase_lists",
    "realtime",
    "idle_streams",
    "hot_swap",
)

for script in SCRIPTS:
    runpy.run_module(f"benchmarks.{script}", run_name="__main__")
