"""Honest answers in an odd form: what editors, platforms and hurried people make of an exercise sheet.

Each gives the files of one submission and what it must earn. `python -m tests.grading.corpus.oddities` writes them to
`corpus/oddities/`; a test says that they agree.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("oddities")
ROOT = Path(__file__).resolve().parents[3]
SHEET = "03_coupling_layers"

Notebook = dict[str, Any]
ODDITIES: dict[str, tuple[Callable[[], dict[str, bytes]], float]] = {}  # name -> its files, what it earns


def sheet() -> Notebook:
    """The code cells of the solved sheet of chapter 3: imports, answers, checks."""
    whole = json.loads((ROOT / "solutions" / f"{SHEET}.ipynb").read_text("utf-8"))
    cells = [cell for cell in whole["cells"] if cell["cell_type"] == "code" and "hide-input" not in _tags(cell, True)]
    for number, cell in enumerate(cells):
        source = "".join(cell["source"])
        source = re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n?", "", source).rstrip("\n")
        cell |= {"source": source, "outputs": [], "execution_count": None, "id": f"c{number}"}
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key == "nbgrader"}
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _tags(cell: Notebook, of_pictures: bool) -> list[str]:
    answers = "nbgrader" in cell["metadata"]
    return [] if answers and of_pictures else cell["metadata"].get("tags", [])


def odd(earned: float = 11):
    """A row of the table: `change(notebook)` changes the solved sheet, or gives the files itself."""

    def add(change):
        def files() -> dict[str, bytes]:
            notebook = sheet()
            made = change(notebook)
            return made or one(notebook)

        ODDITIES[change.__name__] = files, earned
        return change

    return add


def one(notebook: Notebook, name: str = "submission.ipynb") -> dict[str, bytes]:
    return {name: (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()}


def answers(notebook: Notebook) -> list[Notebook]:
    return [c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("solution")]


def checks(notebook: Notebook) -> list[Notebook]:
    return [c for c in notebook["cells"] if c["source"].startswith("check(")]


def answer(notebook: Notebook, name: str) -> Notebook:
    return next(c for c in answers(notebook) if c["metadata"]["nbgrader"]["grade_id"] == f"03-{name}")


def cell(source: str, kind: str = "code", **metadata) -> Notebook:
    rest = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "id": f"n{len(source)}", "metadata": metadata, "source": source} | rest


def before(notebook: Notebook, name: str, *sources: str) -> None:
    at = notebook["cells"].index(answer(notebook, name))
    notebook["cells"][at:at] = [cell(source) for source in sources]


# --- metadata and formats


@odd()
def metadata_stripped(nb):
    for c in nb["cells"]:
        c["metadata"] = {}


@odd()
def colab(nb):
    nb["metadata"] = {"colab": {"provenance": [], "toc_visible": True}, "accelerator": "GPU"}
    for number, c in enumerate(nb["cells"]):
        c["metadata"] = {"id": f"aB{number}xYz", "outputId": "0e8a", "colab": {"base_uri": "https://localhost:8080/"}}
        c.pop("id")


@odd()
def vs_code(nb):
    nb["metadata"] = {"language_info": {"name": "python"}, "orig_nbformat": 4}
    for c in nb["cells"]:
        c["metadata"] |= {"vscode": {"languageId": "python"}}


@odd()
def minor_version_2_without_ids(nb):
    nb["nbformat_minor"] = 2
    for c in nb["cells"]:
        c.pop("id")


@odd()
def version_3(nb):
    more = {"language": "python", "metadata": {}, "outputs": [], "collapsed": False}
    old = [{"cell_type": "code", "input": c["source"]} | more for c in nb["cells"]]
    whole = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": old}]}
    return {"submission.ipynb": json.dumps(whole).encode()}


@odd()
def source_as_lines(nb):
    for c in nb["cells"]:
        c["source"] = c["source"].splitlines(keepends=True)


@odd()
def windows_line_ends(nb):
    for c in nb["cells"]:
        c["source"] = c["source"].replace("\n", "\r\n")


@odd()
def byte_order_mark(nb):
    return {name: b"\xef\xbb\xbf" + data for name, data in one(nb).items()}


@odd()
def utf_16(nb):
    return {name: data.decode().encode("utf-16") for name, data in one(nb).items()}


@odd()
def utf_16_without_a_mark(nb):
    return {name: data.decode().encode("utf-16-le") for name, data in one(nb).items()}


@odd()
def latin_1_in_a_comment(nb):
    answer(nb, "encode")["source"] = "# gelöst von Jörg\n" + answer(nb, "encode")["source"]
    return {name: data.decode().encode("latin-1") for name, data in one(nb).items()}


@odd()
def without_indentation(nb):
    return {"submission.ipynb": json.dumps(nb, separators=(",", ":")).encode()}


@odd()
def more_after_the_json(nb):
    return {name: data + b"\n\n  \n" for name, data in one(nb).items()}


@odd()
def pictures_of_megabytes(nb):
    checks(nb)[0]["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgo" + "A" * 300_000}}
    ]


@odd()
def tracebacks_in_outputs(nb):
    checks(nb)[1]["outputs"] = [
        {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": ["\x1b[31mx"]}
    ]


# --- cells moved about


@odd()
def one_cell_with_all_answers(nb):
    first, *others = answers(nb)
    first["source"] = "\n\n\n".join(c["source"] for c in (first, *others))
    nb["cells"] = [c for c in nb["cells"] if c not in others]


@odd()
def everything_in_one_cell(nb):
    nb["cells"] = [cell("\n\n\n".join(c["source"] for c in nb["cells"]))]


@odd()
def checks_deleted(nb):
    nb["cells"] = [c for c in nb["cells"] if c not in checks(nb)]


@odd()
def answers_in_reverse_order(nb):
    imports, *rest = nb["cells"]
    pairs = [rest[i : i + 2] for i in range(0, len(rest), 2)]
    nb["cells"] = [imports, *(c for pair in reversed(pairs) for c in pair)]


@odd()
def answer_in_a_new_cell_below_the_blank_one(nb):
    at = nb["cells"].index(answer(nb, "logdet"))
    nb["cells"].insert(at + 1, cell(answer(nb, "logdet")["source"]))
    answer(nb, "logdet")["source"] = "def log_det(x, mask, scale_net, shift_net):\n    raise NotImplementedError()"


@odd()
def corrected_above_the_check(nb):
    right = answer(nb, "logdet")["source"]
    answer(nb, "logdet")["source"] = right.replace("return ", "return -") + "\n\n\n" + right


@odd()
def tried_out_after_the_check(nb):
    at = nb["cells"].index(checks(nb)[2])
    nb["cells"].insert(
        at + 1, cell("def log_det(x, mask, scale_net, shift_net):\n    return 17  # only to see what it says")
    )


@odd()
def cell_duplicated(nb):
    at = nb["cells"].index(answer(nb, "encode"))
    nb["cells"].insert(at, copy.deepcopy(answer(nb, "encode")))


@odd()
def five_hundred_cells(nb):
    nb["cells"] += [cell(f"# note {n}", "markdown" if n % 2 else "code") for n in range(500)]


@odd()
def helper_above(nb):
    before(nb, "logdet", "def total(values):\n    return values.sum(dim=1)")
    answer(nb, "logdet")["source"] = (
        "def log_det(x, mask, scale_net, shift_net):\n    return total(scale_net(x[:, mask]))"
    )


@odd()
def helper_below(nb):
    answer(nb, "logdet")["source"] = (
        "def log_det(x, mask, scale_net, shift_net):\n    return total(scale_net(x[:, mask]))"
    )
    nb["cells"].append(cell("def total(values):\n    return values.sum(dim=1)"))


@odd()
def import_in_the_answer_cell(nb):
    answer(nb, "logdet")["source"] = (
        "import torch as t\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return t.sum(scale_net(x[:, mask]), 1)"
    )


@odd()
def import_in_a_cell_at_the_end(nb):
    answer(nb, "logdet")["source"] = (
        "def log_det(x, mask, scale_net, shift_net):\n    return F.relu(scale_net(x[:, mask]) + 99).sum(1) - 99 * (~mask).sum()"
    )
    nb["cells"].append(cell("import torch.nn.functional as F"))


@odd()
def star_import(nb):
    before(nb, "logdet", "from math import *")
    answer(nb, "logdet")["source"] = f"def log_det(x, mask, scale_net, shift_net):\n    return exp(0) * {RIGHT}"


# --- what a name may stand for


def log_det_is(source: str):
    def change(nb):
        answer(nb, "logdet")["source"] = source

    return change


RIGHT = "scale_net(x[:, mask]).sum(dim=1)"
STANDS_FOR = {
    "a_lambda": f"log_det = lambda x, mask, scale_net, shift_net: {RIGHT}",
    "a_partial": (
        "from functools import partial\n\n\ndef _any(dim, x, mask, scale_net, shift_net):\n"
        "    return scale_net(x[:, mask]).sum(dim)\n\n\nlog_det = partial(_any, 1)"
    ),
    "an_object_with_call": (
        "class LogDet:\n    def __call__(self, x, mask, scale_net, shift_net):\n"
        f"        return {RIGHT}\n\n\nlog_det = LogDet()"
    ),
    "a_static_method": (
        "class Layer:\n    @staticmethod\n    def log_det(x, mask, scale_net, shift_net):\n"
        f"        return {RIGHT}\n\n\nlog_det = Layer.log_det"
    ),
    "a_bound_method": (
        "class Layer:\n    def of(self, x, mask, scale_net, shift_net):\n"
        f"        return {RIGHT}\n\n\nlog_det = Layer().of"
    ),
    "decorated": (
        "import functools\n\n\ndef timed(f):\n    @functools.wraps(f)\n    def inner(*args, **kwargs):\n"
        "        return f(*args, **kwargs)\n    return inner\n\n\n@timed\n"
        f"def log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}"
    ),
    "made_by_a_function": (
        f"def make():\n    def log_det(x, mask, scale_net, shift_net):\n        return {RIGHT}\n    return log_det\n\n\nlog_det = make()"
    ),
    "defined_in_an_if": f"if True:\n    def log_det(x, mask, scale_net, shift_net):\n        return {RIGHT}",
    "with_type_hints": (
        "from __future__ import annotations\n\n\ndef log_det(x: torch.Tensor, mask: BoolTensor, scale_net: Net, shift_net: Net) -> Tensor:\n"
        f"    return {RIGHT}"
    ),
    "with_defaults": f"def log_det(x, mask, scale_net, shift_net=None):\n    return {RIGHT}",
    "with_more_arguments": f"def log_det(x, mask, scale_net, shift_net, verbose=False, *more, **options):\n    return {RIGHT}",
    "with_stars": "def log_det(*args):\n    x, mask, scale_net, _ = args\n    return scale_net(x[:, mask]).sum(1)",
    "other_argument_names": "def log_det(daten, maske, s, t):\n    return s(daten[:, maske]).sum(dim=1)",
    "unicode_names": "def log_det(x, mask, scale_net, shift_net):\n    λ = scale_net(x[:, mask])\n    return λ.sum(1)",
    "a_docstring_and_long_comments": (
        'def log_det(x, mask, scale_net, shift_net):\n    """The sum of the log-scales.\n\n    '
        + "words " * 400
        + f'\n    """\n    # {"comment " * 200}\n    return {RIGHT}'
    ),
    "a_loop": (
        "def log_det(x, mask, scale_net, shift_net):\n    out = []\n    for row in x:\n"
        "        out.append(sum(value for value in scale_net(row[mask][None])[0]))\n    return torch.stack(out)"
    ),
    "einsum": 'def log_det(x, mask, scale_net, shift_net):\n    return torch.einsum("nd->n", scale_net(x[:, mask]))',
    "vmap": (
        "def log_det(x, mask, scale_net, shift_net):\n    return torch.func.vmap(lambda s: s.sum())(scale_net(x[:, mask]))"
    ),
    "prints_and_warns": (
        "import warnings\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    print('shape', x.shape)\n"
        f"    warnings.warn('slow')\n    return {RIGHT}"
    ),
    "numpy_on_the_way": (
        "import numpy as np\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    n = int(np.prod(x.shape[:1]))\n"
        f"    return {RIGHT}.reshape(n)"
    ),
    "a_global_constant": "DIM = 1\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return scale_net(x[:, mask]).sum(DIM)",
    "a_seed_in_the_cell": f"torch.manual_seed(0)\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}",
    "time_magic": f"%%time\ndef log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}",
    "line_magic_and_shell": f"%matplotlib inline\n!pip install -q torch\ndef log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}",
    "help_asked_for": f"torch.sum??\n?print\ndef log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}",
    "get_ipython_above": f"get_ipython().run_line_magic('matplotlib', 'inline')\ndef log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}",
    "drive_mounted_above": (
        "from google.colab import drive\ndrive.mount('/content/drive')\n\n\n"
        f"def log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}"
    ),
    "tqdm_and_plots_above": (
        "from tqdm.notebook import tqdm\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n\n\n"
        f"def log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}"
    ),
    "tried_out_in_its_cell": f"def log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}\n\n\nprint(log_det(1, 2, 3, 4))",
}
for _name, _source in STANDS_FOR.items():
    _change = log_det_is(_source)
    _change.__name__ = _name
    odd()(_change)


# --- other cells


@odd()
def a_cell_that_raises(nb):
    before(nb, "encode", "1 / 0", "undefined_name")


@odd()
def a_cell_that_is_no_python(nb):
    before(nb, "encode", "this is a note, not code", "%%bash\nls -l", "%%html\n<b>x</b>")


@odd()
def a_long_training_that_answers_do_not_need(nb):
    before(nb, "encode", "for step in range(10**9):\n    loss = step\nprint(loss)")


@odd()
def a_table_filled_in_another_cell(nb):
    before(nb, "logdet", "settings = {}", 'settings["dim"] = 1', "order = []\norder.append(1)")
    answer(nb, "logdet")["source"] = (
        "def log_det(x, mask, scale_net, shift_net):\n    return scale_net(x[:, mask]).sum(settings['dim'] * order[0])"
    )


@odd()
def default_dtype_set_and_put_back(nb):
    before(nb, "encode", "torch.set_default_dtype(torch.float64)", "torch.set_default_dtype(torch.float32)")


@odd()
def the_course_tried_out_above(nb):
    before(
        nb,
        "encode",
        "import nf_course as nf\n\nlayer = nf.AffineCoupling(nf.MLP(1, 2))\nz, ladj = layer.encode(torch.randn(3, 2))\n"
        "size = len(z)\n\n\ndef rows():\n    return 3",
    )
    for c in answers(nb):
        c["source"] = c["source"].replace(":\n", ":\n    assert rows() == 3\n", 1)


# --- cells between which names change their meaning, that fail half-way, that only Jupyter can read


def check_of(notebook: Notebook, name: str) -> Notebook:
    return next(c for c in checks(notebook) if c["source"].startswith(f'check("03.{name}"'))


@odd()
def corrected_below_and_checked_again(nb):
    right = answer(nb, "logdet")["source"]
    answer(nb, "logdet")["source"] = right.replace("return ", "return -")
    at = nb["cells"].index(check_of(nb, "logdet"))
    nb["cells"][at + 1 : at + 1] = [cell(right), cell('check("03.logdet", log_det)')]


@odd()
def helper_of_the_same_name_in_a_later_exercise(nb):
    answer(nb, "logdet")["source"] = (
        "dim = 1\n\n\ndef total(s):\n    return s.sum(dim)\n\n\n"
        "def log_det(x, mask, scale_net, shift_net):\n    return total(scale_net(x[:, mask]))"
    )
    later = answer(nb, "two_couplings")
    later["source"] = "dim = 7\n\n\ndef total(a, b):\n    return a + b\n\n\n" + later["source"]


@odd()
def eight_trainings_with_names_of_the_answers(nb):
    before(nb, "encode", *(f"for step in range(10**9):\n    x = z = kept = step + {n}" for n in range(8)))


@odd()
def other_name_handed_to_the_check(nb):
    answer(nb, "logdet")["source"] = answer(nb, "logdet")["source"].replace("log_det", "my_log_det")
    check_of(nb, "logdet")["source"] = 'check("03.logdet", my_log_det)'


@odd()
def method_handed_to_the_check(nb):
    answer(nb, "logdet")["source"] = (
        f"class Mine:\n    def log_det(self, x, mask, scale_net, shift_net):\n        return {RIGHT}"
    )
    check_of(nb, "logdet")["source"] = 'points = check("03.logdet", Mine().log_det)'


@odd()
def a_named_tuple(nb):
    both = answer(nb, "two_couplings")
    both["source"] = "from collections import namedtuple\n\nResult = namedtuple('Result', 'z ladj')\n\n\n" + re.sub(
        r"return (.*)$", r"return Result(\1)", both["source"]
    )


@odd()
def a_cell_copied_from_another_chapter(nb):
    told = {"nbgrader": {"grade_id": "01-logdet", "solution": True}}
    nb["cells"].insert(1, cell("from math import pi", **told))
    nb["cells"].append(cell('check("01.logdet", log_det)'))
    return one(nb, f"{SHEET}.ipynb")


@odd()
def saved_by_a_browser_as_text(nb):
    return one(nb, f"{SHEET}.ipynb.txt")


FAILS = {  # what stands above the answer in its cell, and holds elsewhere
    "gpu_named": "print(torch.cuda.get_device_name(0))",
    "data_loaded": "import numpy as np\ndata = np.load('data.npz')",
    "style_of_another_version": "import matplotlib.pyplot as plt\nplt.style.use('seaborn')",
    "folder_of_a_drive": "import os\nos.chdir('/content/drive/MyDrive')",
    "package_that_is_not_here": "import pandas_or_so as pd\nfor row in pd.DataFrame({'a': [1]}):\n    print(row)",
    "awaited": "import asyncio\nawait asyncio.sleep(0)",
    "asked_for_a_name": "name = input('name?')",
    "shell_answer_kept": "gpu = !nvidia-smi\ngpu = '\\n'.join(gpu)\nif gpu.find('failed') >= 0:\n    print('no GPU')",
    "magic_answer_kept": "t = %timeit -o 1 + 1",
    "shell_in_two_lines": "!pip install -q torch \\\n    numpy",
    "magic_and_a_line_with_modulo": "%matplotlib inline\ntext = ('%d'\n    % 3)",
}
LOG_DET = f"def log_det(x, mask, scale_net, shift_net):\n    return {RIGHT}"
READ_BY_JUPYTER = {
    "cell_indented": "\n".join(f"    {line}" for line in LOG_DET.splitlines()),
    "prompts_pasted": ">>> " + LOG_DET.replace("\n", "\n... "),
    "captured": f"%%capture out\n{LOG_DET}",
    "timed_in_a_line": f"%time log_det = lambda x, mask, scale_net, shift_net: {RIGHT}",
    "named_by_globals": f"globals()['log_det'] = lambda x, mask, scale_net, shift_net: {RIGHT}",
    "compiled_by_torch": f"@torch.compile\n{LOG_DET}",
    "scripted_by_torch": (
        "@torch.jit.script\ndef total(s):\n    return s.sum(1)\n\n\n"
        "def log_det(x, mask, scale_net, shift_net):\n    return total(scale_net(x[:, mask]))"
    ),
    "types_checked": f"from jaxtyping import jaxtyped\nfrom beartype import beartype\n\n\n"
    f"@jaxtyped(typechecker=beartype)\n{LOG_DET}",
    "a_module": f"class LogDet(torch.nn.Module):\n    def forward(self, x, mask, scale_net, shift_net):\n"
    f"        return {RIGHT}\n\n\nlog_det = LogDet()",
}
for _name, _source in (*((name, f"{above}\n\n\n{LOG_DET}") for name, above in FAILS.items()), *READ_BY_JUPYTER.items()):
    _change = log_det_is(_source)
    _change.__name__ = _name
    odd()(_change)


# --- less than everything


@odd(2)
def only_one_answered(nb):
    for c in answers(nb):
        if c is not answer(nb, "logdet"):
            c["source"] = re.sub(
                r"(?s)(def \w+\([^)]*\):\n).*", r"\1    # YOUR CODE HERE\n    raise NotImplementedError()", c["source"]
            )


@odd(9)
def one_answer_with_a_syntax_error(nb):
    answer(nb, "logdet")["source"] = "def log_det(x, mask, scale_net shift_net):\n    return 1"


@odd(9)
def one_answer_wrong(nb):
    answer(nb, "logdet")["source"] = (
        "def log_det(x, mask, scale_net, shift_net):\n    return -scale_net(x[:, mask]).sum(1)"
    )


@odd(0)
def blank(nb):
    for c in answers(nb):
        c["source"] = re.sub(
            r"(?s)(def \w+\([^)]*\):\n).*", r"\1    # YOUR CODE HERE\n    raise NotImplementedError()", c["source"]
        )


def written() -> dict[str, bytes]:
    """Every file of the corpus, by its place in it."""
    found = {}
    for name, (files, earned) in ODDITIES.items():
        found |= {f"{name}/{place}": data for place, data in files().items()}
        found[f"{name}/expected.json"] = (
            json.dumps({"status": "graded", "earned": earned, "possible": 11}).encode() + b"\n"
        )
    return found


if __name__ == "__main__":
    for place, data in written().items():
        (FOLDER / place).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / place).write_bytes(data)
    print(len(ODDITIES), "oddities")
