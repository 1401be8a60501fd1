"""Stop with one clear line where PyTorch sees no CUDA device: `make test-gpu` must fail there, not skip."""

import sys

import torch

if not torch.cuda.is_available():
    built = torch.version.cuda or "none: a CPU build"
    sys.exit(
        f"test-gpu: no CUDA device here (torch {torch.__version__}, CUDA in this build: {built}). Nothing was run."
    )
print(f"test-gpu: {torch.cuda.get_device_name()}, torch {torch.__version__}")
