"""python -m machine gpu_box jupyter lab: run a command on a simulated machine, for pictures and for trying out."""

from __future__ import annotations

import os
import subprocess
import sys

from machine import eight_gpus, gpu_box, laptop, server

PRESETS = {preset.__name__: preset for preset in (laptop, server, gpu_box, eight_gpus)}


def main(arguments: list[str]) -> int:
    """The exit status of the command."""
    if len(arguments) < 2 or arguments[0] not in PRESETS:
        print(f"usage: python -m machine {{{','.join(PRESETS)}}} COMMAND...", file=sys.stderr)
        return 2
    with PRESETS[arguments[0]]() as simulated:
        return subprocess.run(arguments[1:], env=os.environ | simulated.environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
