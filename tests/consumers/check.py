"""Loads what the binary exports with the code of those that consume it.

Usage: check.py BINARY
Needs requirements.txt, and trainers.txt installed with --no-deps. Nothing is fetched, and nothing is left behind.
"""
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True


def main(binary):
    with tempfile.TemporaryDirectory(prefix="retake-consumers-") as folder:
        os.environ.update(HF_HOME=f"{folder}/hub", HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
        os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
        import consumer_checks
        from exports import Exports

        exports = Exports(binary, Path(folder))
        for check in consumer_checks.CHECKS:
            print(f"{check.__name__}: {check(exports)}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
