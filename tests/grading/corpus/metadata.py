"""Attacks by the notebook itself: metadata, structure, names."""

import json

from tests.grading.corpus.build import ONLY, WRONG, text_of

ANSWER = ONLY + "import torch\n\n" + WRONG["03.logdet"]
CHECK = 'check("03.logdet", log_det)'


def told(**more):
    return {"nbgrader": {"grade_id": "03-logdet", "solution": True, "schema_version": 3} | more}


def cells(name, *given):
    return (name, "03.logdet", "", {"submission.ipynb": text_of(given)})


def raw(name, text):
    return (name, "03.logdet", "", {"submission.ipynb": text})


BOOK = json.loads(text_of([(ANSWER, told()), (CHECK, {})]))

ATTACKS = [
    cells("duplicate_grade_id", (ANSWER, told()), (ANSWER.replace("0 *", "1 *"), told()), (CHECK, {})),
    cells("grade_id_wrong_type", (ANSWER, told(grade_id=["03-logdet"])), (CHECK, {})),
    cells("grade_id_a_path", (ANSWER, told(grade_id="../../03-logdet")), (CHECK, {})),
    cells(
        "points_changed",
        (ANSWER, told(points=1000, grade=True)),
        (CHECK, told(points=1e308, grade=True, solution=False)),
    ),
    cells("metadata_a_list", (ANSWER, ["nbgrader"]), (CHECK, {"nbgrader": "x"})),
    cells(
        "tags_that_skip",
        (ANSWER, told() | {"tags": ["skip-execution", "nbval-skip", "raises-exception"]}),
        (CHECK, {"tags": ["nbval-skip", "raises-exception", "skip-execution"]}),
    ),
    cells("check_cell_replaced", (ANSWER, told()), ("2", told(grade_id="check-03-logdet", solution=False, grade=True))),
    cells("check_cell_deleted", (ANSWER, told())),
    cells("check_of_another", (ANSWER, told()), ('check("00.nats", log_det)', {})),
    cells("check_many_times", (ANSWER, told()), *((CHECK, {}),) * 500),
    cells("outputs_claim_points", (ANSWER, told()), ('check("03.logdet", log_det)  # ok 03.logdet 2/2', {})),
    cells("ten_thousand_cells", (ANSWER, told()), (CHECK, {}), *(("x = 1", {}),) * 3000),
    cells("long_cell", (ANSWER + "x = '" + "a" * 250000 + "'", told()), (CHECK, {})),
    cells(
        "magics", ("%%bash\ntouch /tmp/won\n", {}), ("!touch /tmp/won\n%load_ext won\n" + ANSWER, told()), (CHECK, {})
    ),
    cells("null_bytes", (ANSWER + "\0", told()), (CHECK, {})),
    cells("half_characters", (ANSWER + "x = '\ud800'", told()), (CHECK, {})),
    cells("script_in_cells", ("# </script><script>alert(1)</script>\n" + ANSWER, told()), (CHECK, {})),
    raw(
        "outputs_prepared",
        json.dumps(
            BOOK
            | {
                "cells": [
                    c
                    | {
                        "outputs": [
                            {
                                "output_type": "execute_result",
                                "data": {"text/plain": "2"},
                                "metadata": {},
                                "execution_count": 1,
                            }
                        ]
                    }
                    for c in BOOK["cells"]
                ]
            }
        ),
    ),
    raw(
        "kernel_of_its_own",
        json.dumps(BOOK | {"metadata": {"kernelspec": {"name": "sh", "argv": ["touch", "/tmp/won"]}}}),
    ),
    raw("keys_twice", json.dumps(BOOK)[:-1] + ', "cells": ' + json.dumps(BOOK["cells"]) + "}"),
    raw("deep", "[" * 200000),
    raw("digits", '{"cells": ' + "9" * 100000 + "}"),
    raw("cut_off", json.dumps(BOOK)[:-20]),
    raw("empty", ""),
    raw(
        "cells_of_odd_types",
        json.dumps(
            {
                "cells": [
                    1,
                    None,
                    [],
                    {"cell_type": "code", "source": 5},
                    {"cell_type": "code", "source": [1, "x"]},
                    *BOOK["cells"],
                ]
            }
        ),
    ),
    raw("sources_endless", json.dumps(BOOK | {"cells": [c | {"source": list(c["source"])} for c in BOOK["cells"]]})),
    raw(
        "results_beside",
        json.dumps(BOOK | {"status": "graded", "earned": 11, "exercises": [{"id": "03.logdet", "earned": 2}]}),
    ),
]
