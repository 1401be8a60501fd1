"""nf-course train as a module, so that torchrun can start it in several processes, one for each device.

python -m nf_course.train glow-digits;  torchrun --nproc-per-node=2 -m nf_course.train glow-digits --out runs.
Chapter 18.
"""

from __future__ import annotations

import sys

from nf_course.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
