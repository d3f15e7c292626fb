"""Loads what the binary exports with whole trainers, which take 6 GB each with torch: by hand, not in CI.

Usage: check_whole.py trl|llamafactory BINARY
Each in an environment of its own: pip install trl==1.16.0 torchvision pillow, or pip install llamafactory==0.9.5.
"""
import importlib
import os
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True


def main(trainer, binary):
    with tempfile.TemporaryDirectory(prefix="retake-consumers-") as folder:
        os.environ.update(HF_HOME=f"{folder}/hub", HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TRANSFORMERS_VERBOSITY="error")
        os.environ.update(HF_DATASETS_DISABLE_PROGRESS_BARS="1", CUDA_VISIBLE_DEVICES="", DISABLE_VERSION_CHECK="1")
        from exports import Exports

        exports = Exports(binary, Path(folder))
        for check in importlib.import_module(f"whole_{trainer}").CHECKS:
            print(f"{check.__name__}: {check(exports)}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in {"trl", "llamafactory"}:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
