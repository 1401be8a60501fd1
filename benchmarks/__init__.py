"""Speed of nf_course beside other flow libraries: `python -m benchmarks.compare --help`."""
