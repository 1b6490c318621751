"""Run every benchmark in turn."""

import runpy

SCRIPTS = ("server_idle", "import_archive", "sclite_agreement", "announcing")

for script in SCRIPTS:
    runpy.run_module(f"benchmarks.{script}", run_name="__main__")
