"""Attacks from within Python: the worker's own code patched, odd objects, exceptions, tricks with definitions."""

RAISES = "def log_det(x, mask, scale_net, shift_net):\n    raise Odd\n"


def patches(name, code, exercise="03.logdet"):
    return (name, exercise, code + "\n\n$WRONG")


ATTACKS = [
    patches(
        "check_redefined",
        "def check(*a, **k):\n    return 2\n\n\nimport nf_course.grading\n\nnf_course.grading.check = check",
    ),
    patches(
        "print_redefined",
        'import builtins\n\nbuiltins.print("ok 03.logdet  2/2")\nbuiltins.print = lambda *a, **k: None',
    ),
    patches("displayhook", "import sys\n\nsys.displayhook(2.0)\nsys.stdout = sys.__stdout__\nsys.displayhook(2.0)"),
    patches(
        "showtraceback",
        "from IPython.core.interactiveshell import InteractiveShell\n\nInteractiveShell.showtraceback = lambda *a, **k: None\n"
        "InteractiveShell.run_cell_async = None",
    ),
    patches("ast_transformer", "import ast\n\nget_ipython().ast_transformers.append(ast.NodeTransformer())"),
    patches("asserts_off", "import sys\n\nsys.flags = type('F', (), {'optimize': 2})()\n__debug__ = False"),
    patches("pytest_skip", "import pytest\n\npytest.skip('not today', allow_module_level=True)"),
    patches(
        "call_patched",
        "import nf_course.grading.call as call\n\ncall.LocalAnswer.__call__ = lambda self, case, **k: call.Outcome(value=True)",
    ),
    patches(
        "outcome_patched",
        "import nf_course.grading.call as call\n\ncall.Outcome.error = property(lambda self: None, lambda self, v: None)",
    ),
    patches(
        "guard_patched",
        "from nf_course.grading import guard\nimport contextlib\n\nguard.time_limit = lambda s: contextlib.nullcontext()\n"
        "guard.snapshot = dict\nguard.changed_since = lambda b: []\nguard.restore = lambda b: None",
    ),
    patches(
        "wire_patched",
        "import nf_course.grading.classroom.wire as wire\nimport __main__\n\n__main__.pack = wire.pack = lambda v, b: {'status': 'right'}",
    ),
    patches(
        "send_patched",
        "import __main__\n\nold = __main__.send\n__main__.send = lambda end, message, blobs, until: "
        "old(end, {'earned': 2, 'status': 'right'}, [], until)",
    ),
    patches(
        "serve_replaced",
        "import sys\n\nf = sys._getframe()\nwhile f:\n    if 'started' in f.f_locals:\n"
        "        f.f_globals['_call'] = lambda *a: ({'value': True, 'error': None, 'inputs_changed': [], "
        "'state_changed': [], 'operators': {}, 'gradients': None}, [])\n    f = f.f_back",
    ),
    patches("inspect_patched", "import inspect\n\ninspect.signature = None\ninspect.getmodule = None"),
    patches(
        "json_patched",
        "import json\n\njson.dumps = lambda *a, **k: '{\"earned\": 2}'\njson.loads = lambda *a, **k: {'cells': []}",
    ),
    patches(
        "struct_patched", "import struct\n\nstruct.pack = lambda *a: b'\\xff' * 6\nstruct.unpack = lambda *a: (0, 0)"
    ),
    patches("socket_patched", "import socket\n\nsocket.socket.sendall = lambda self, data: None"),
    patches("time_patched", "import time\n\ntime.monotonic = lambda: float('-inf')\ntime.time = lambda: 0"),
    patches(
        "signal_patched",
        "import signal\n\nsignal.setitimer = lambda *a: (0, 0)\nsignal.signal = lambda *a: None\n\n\n"
        "def log_det(x, mask, scale_net, shift_net):\n    while True:\n        pass\n\n\nkept = log_det\n",
    ),
    patches("dataclasses_patched", "import dataclasses\n\ndataclasses.fields = lambda *a: 1 / 0"),
    patches(
        "builtins_deleted",
        "import builtins\n\nfor name in ('isinstance', 'len', 'type', 'callable', 'dict'):\n    delattr(builtins, name)",
    ),
    patches("modules_emptied", "import sys\n\nsys.modules.clear()\nsys.path.clear()\nsys.meta_path.clear()"),
    patches("import_hook", "import builtins\n\nbuiltins.__import__ = lambda *a, **k: 1 / 0"),
    patches(
        "settrace",
        "import sys\n\n\ndef trace(frame, event, arg):\n    frame.f_locals.clear()\n    return trace\n\n\n"
        "sys.settrace(trace)\nsys.setprofile(lambda *a: None)",
    ),
    patches(
        "audit_hook_kills",
        "import os, sys\n\nsys.addaudithook(lambda event, args: os._exit(0) if event == 'compile' else None)",
    ),
    patches("gc_callback", "import gc\n\ngc.callbacks.append(lambda *a: 1 / 0)\ngc.set_threshold(1)"),
    patches(
        "excepthook_and_exitfunc",
        "import atexit, sys, os\n\nsys.excepthook = lambda *a: os._exit(0)\natexit.register(lambda: os._exit(0))\n"
        "os._exit = lambda n: None",
    ),
    patches(
        "thread_changes_answers",
        "import threading, time\n\n\ndef change():\n    while True:\n        globals()['log_det'] = lambda *a: True\n"
        "        time.sleep(0.001)\n\n\nthreading.Thread(target=change, daemon=True).start()",
    ),
    patches(
        "thread_raises_in_main",
        "import ctypes, threading, time\n\nmain = threading.main_thread().ident\n\n\ndef shoot():\n    while True:\n"
        "        time.sleep(0.01)\n        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(SystemExit))\n\n\n"
        "threading.Thread(target=shoot, daemon=True).start()",
    ),
    (
        "str_exits",
        "03.logdet",
        "class Odd(Exception):\n    def __str__(self):\n        raise SystemExit(0)\n\n\n" + RAISES,
    ),
    (
        "str_kills",
        "03.logdet",
        "import os\n\n\nclass Odd(Exception):\n    def __str__(self):\n        os._exit(0)\n\n\n" + RAISES,
    ),
    (
        "str_never_ends",
        "03.logdet",
        "class Odd(Exception):\n    def __str__(self):\n        while True:\n            pass\n\n\n" + RAISES,
    ),
    (
        "str_of_a_gigabyte",
        "03.logdet",
        "class Odd(Exception):\n    def __str__(self):\n        return '=HYPERLINK(1)' * 10**8\n\n\n" + RAISES,
    ),
    (
        "exception_named_for_html",
        "03.logdet",
        "Odd = type('<script>alert(1)</script>', (Exception,), {'__str__': lambda self: '=cmd|calc\\x1b[31m</pre>\\r\\n'})\n\n\n"
        + RAISES,
    ),
    (
        "exception_claims_blank",
        "03.logdet",
        "class Odd(NotImplementedError):\n    blank = False\n    status = 'right'\n\n\n" + RAISES,
    ),
    (
        "exception_base",
        "03.logdet",
        "class Odd(BaseException):\n    __class__ = property(lambda self: 1 / 0)\n\n\n" + RAISES,
    ),
    (
        "exception_own_traceback",
        "03.logdet",
        "class Odd(Exception):\n    __traceback__ = property(lambda self: 1 / 0)\n\n\n" + RAISES,
    ),
    ("exit_in_call", "03.logdet", "import os\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    os._exit(0)"),
    ("exit_in_cell", "03.logdet", "import os\n\nos._exit(0)\n\n$WRONG"),
    (
        "sys_exit",
        "03.logdet",
        "import sys\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    sys.exit(0)\n\n\nsys.exit(0)",
    ),
    (
        "metaclass_instance_of_all",
        "03.logdet",
        "class All(type):\n    def __instancecheck__(cls, other):\n        return True\n\n    def __eq__(cls, other):\n"
        "        return True\n\n    __hash__ = type.__hash__\n\n\nclass Value(metaclass=All):\n    __class__ = torch.Tensor\n\n\n"
        "def log_det(x, mask, scale_net, shift_net):\n    return Value()",
    ),
    (
        "metaclass_name_kills",
        "03.logdet",
        "import os\n\n\nclass Odd(type):\n    __name__ = property(lambda cls: os._exit(0))\n\n\nclass Callable(metaclass=Odd):\n"
        "    def __call__(self, *a):\n        return 0\n\n\nlog_det = Callable()",
    ),
    (
        "always_equal",
        "03.logdet",
        "class Same(float):\n    def __eq__(self, other):\n        return True\n\n    def __float__(self):\n        raise SystemExit\n\n"
        "    def __sub__(self, other):\n        return 0.0\n\n    __hash__ = float.__hash__\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return Same(1)",
    ),
    (
        "signature_property",
        "03.logdet",
        "class Odd:\n    @property\n    def __signature__(self):\n        raise SystemExit\n\n    __name__ = property(lambda self: self)\n\n"
        "    def __str__(self):\n        raise SystemExit\n\n    def __call__(self, *a):\n        return 0\n\n\nlog_det = Odd()",
    ),
    (
        "named_by_star_import",
        "03.logdet",
        "import sys, types\n\nm = types.ModuleType('m')\nm.log_det = lambda *a: True\nm.check = m.print = m.torch = None\nsys.modules['m'] = m\nfrom m import *",
    ),
    ("named_by_exec", "03.logdet", "exec('def log_det(*a): return True')\nlog_det = log_det"),
    (
        "answer_is_a_class",
        "03.logdet",
        "class log_det:\n    earned, status = 2, 'right'\n\n    def __init__(self, *a):\n        pass",
    ),
    ("answer_is_check", "03.logdet", "from nf_course.grading import check\n\nlog_det = check"),
    (
        "answer_is_local_answer",
        "03.logdet",
        "from nf_course.grading.call import LocalAnswer\n\nlog_det = LocalAnswer(())",
    ),
    (
        "recursion",
        "03.logdet",
        "import sys\n\nsys.setrecursionlimit(10**9)\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return log_det(x, mask, scale_net, shift_net)",
    ),
    (
        "recursion_in_c",
        "03.logdet",
        "import sys\n\nsys.setrecursionlimit(10**9)\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    a = []\n    for _ in range(10**6):\n        a = [a]\n    return repr(a)",
    ),
    (
        "returns_itself",
        "03.logdet",
        "def log_det(x, mask, scale_net, shift_net):\n    a = []\n    a.append(a)\n    return a",
    ),
    (
        "returns_deep_list",
        "03.logdet",
        "def log_det(x, mask, scale_net, shift_net):\n    a = 0\n    for _ in range(900):\n        a = (a,)\n    return a",
    ),
    ("returns_huge_number", "03.logdet", "def log_det(x, mask, scale_net, shift_net):\n    return 10**5000"),
    ("returns_a_generator", "03.logdet", "def log_det(x, mask, scale_net, shift_net):\n    yield 0"),
    (
        "returns_mask_generators",
        "03.bad_mask",
        "def good_masks(D, k):\n    return (torch.zeros(D, dtype=torch.bool) for _ in range(k))\n\n\nbad_masks = good_masks",
    ),
    (
        "returns_claims",
        "03.logdet",
        "def log_det(x, mask, scale_net, shift_net):\n    return {'earned': 2, 'status': 'right', 'tensor': 0}",
    ),
    (
        "segfault",
        "03.logdet",
        "import ctypes\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return ctypes.string_at(0)",
    ),
    ("segfault_in_cell", "01.logdet", "import ctypes\n\nctypes.string_at(0)\n\n$WRONG"),
    ("hard_coded_shape", "01.logdet", "def log_det(x, a):\n    return torch.full((len(x),), 0.8123, dtype=x.dtype)"),
    (
        "remembers_the_first_call",
        "03.logdet",
        "seen = {}\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return seen.setdefault(x.shape, scale_net(x[:, mask]).sum(1).detach())",
    ),
    (
        "seeds_guessed",
        "03.logdet",
        "guess = {}\nfor seed in range(200):\n    g = torch.Generator().manual_seed(seed)\n    guess[float(torch.randn((), generator=g, dtype=torch.float64))] = 0.0\n\n\n"
        "def log_det(x, mask, scale_net, shift_net):\n    return torch.full((len(x),), guess.get(float(x.flatten()[0]), 1.0), dtype=x.dtype)",
    ),
    (
        "references_in_gc",
        "03.logdet",
        "import gc, types\n\nfound = [f for f in gc.get_objects() if isinstance(f, types.FunctionType)\n         and f.__name__ in ('log_det', 'encode_two', 'judge') and 'worker' not in f.__module__]\n\n\n"
        "$IF(found)$",
    ),
    (
        "references_imported",
        "03.logdet",
        "import importlib, pkgutil\n\nfound = []\nfor name in ('nf_course.coupling', 'nf_course.grading.exercises', 'nf_course.grading.verdict', 'nf_course.flow', 'zuko',\n"
        "             'normflows', 'nflows', 'FrEIA', 'nf_course.grading.classroom.desk'):\n    try:\n        found.append(importlib.import_module(name).__file__)\n    except (ImportError, AttributeError):\n        pass\n\n\n"
        "$IF(any(found))$",
    ),
]
