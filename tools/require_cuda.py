"""Stop with one clear line where PyTorch sees no CUDA device: `make test-gpu` must fail there, not skip."""

import sys

import torch

if not torch.cuda.is_available():
    build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU only"
    sys.exit(f"test-gpu: no CUDA device here (torch {torch.__version__}, {build}). Nothing was run.")
print(f"test-gpu: {torch.cuda.get_device_name()}, torch {torch.__version__}")
