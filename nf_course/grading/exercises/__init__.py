"""One folder for each chapter, one file for each exercise. `registry.py` finds them by itself."""
