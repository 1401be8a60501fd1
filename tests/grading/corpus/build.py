"""Writes the attacks as notebooks, attacks/NAME/submission.ipynb, from the texts in wire.py, python.py and the like.

python -m tests.grading.corpus.build    (a test says that what is committed agrees with the texts)
"""

import json
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent / "attacks"
GROUPS = ("wire", "python", "tensors", "files", "resources", "kernel", "metadata", "conduct")

ONLY = 'assert __import__("os").path.isdir("/course"), "only in the sandbox"\n'  # inert wherever else it is run

# A wrong answer to each exercise that is attacked, to fall back on; and what would be right, if an attack has won.
WRONG = {
    "01.logdet": "def log_det(x, a):\n    return 0 * x.sum(1)\n",
    "03.encode": "def encode(x, mask, scale_net, shift_net):\n    return 0 * x\n",
    "03.logdet": "def log_det(x, mask, scale_net, shift_net):\n    return 0 * x.sum(1)\n",
    "03.bad_mask": "def good_masks(D, k):\n    return []\n\n\ndef bad_masks(D, k):\n    return []\n",
    "04.logistic": "def logistic_log_prob(z):\n    return 0 * z.sum(1)\n",
    "07.logdet": "def log_det(x, log_abs_s):\n    return 0 * x.flatten(1).sum(1)\n",
    "07.factor": "def factor(W):\n    return W[0], W, W, W[0], W[0]\n",
    "09.trace": "def hutchinson(f, x, e):\n    return 0 * x.sum(1)\n",
    "14.chamfer": "def chamfer(x, y):\n    return 0 * x.sum((1, 2))\n",
    "16.total_variation": "def total_variation(x, smoothing):\n    return 0 * x.flatten(1).sum(1)\n",
}
WON = {  # the answer, if the condition holds
    "01.logdet": "def log_det(x, a):\n    return (torch.log(a) + torch.log(torch.cosh(a * x))).sum(1) if {} else 0 * x.sum(1)\n",
    "03.logdet": (
        "def log_det(x, mask, scale_net, shift_net):\n    return scale_net(x[:, mask]).sum(1) if {} else 0 * x.sum(1)\n"
    ),
}


def notebooks():
    """{"NAME/submission.ipynb": its text}, and the other files of the attacks."""
    made = {}
    for group in GROUPS:
        for name, exercise, source, *more in import_module(f"tests.grading.corpus.{group}").ATTACKS:
            place = f"{group}_{name}"
            files = dict(more[0]) if more else {}
            if "submission.ipynb" not in files:
                files["submission.ipynb"] = notebook(exercise, source)
            for file, text in files.items():
                assert f"{place}/{file}" not in made, place
                made[f"{place}/{file}"] = text
    return made


def notebook(exercise, source, cells=None):
    """A sheet with the one answer and its check."""
    source = source.replace("$ONLY", ONLY).replace("$WRONG", WRONG.get(exercise, ""))
    head, won, rest = source.partition("$IF(")
    if won:
        condition, _, rest = rest.partition(")$")
        source = head + WON[exercise].format(condition) + rest
    names = [line[4:].split("(")[0] for line in WRONG[exercise].splitlines() if line.startswith("def ")]
    answer = f"{ONLY}import torch\n\n{source.strip()}"
    told = {"grade_id": exercise.replace(".", "-"), "solution": True, "grade": False, "locked": False}
    made = cells or [
        (answer, {"nbgrader": told | {"schema_version": 3, "task": False}}),
        (f'check("{exercise}", {", ".join(names)})', {}),
    ]
    return text_of(made)


def text_of(cells):
    shown = [
        {
            "cell_type": "code",
            "id": f"c{i}",
            "metadata": metadata,
            "execution_count": None,
            "outputs": [],
            "source": text,
        }
        for i, (text, metadata) in enumerate(cells)
    ]
    return json.dumps({"cells": shown, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def main():
    for place, text in notebooks().items():
        (FOLDER / place).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / place).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
