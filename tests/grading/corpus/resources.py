"""Attacks on time, memory and processes: bombs, loops that no signal ends, things that hold on."""

MASKED = "import signal\n\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
IN_C = (
    "import ctypes, time\n\n\ndef sleep():\n    ctypes.PyDLL(None).sleep(600)\n\n\n"  # holds the lock of Python as well
)


def in_cell(name, code):
    return (name, "03.logdet", code + "\n\n$WRONG")


def in_call(name, code, before=""):
    lines = "".join(f"    {line}\n" for line in code.splitlines())
    return (name, "03.logdet", f"{before}def log_det(x, mask, scale_net, shift_net):\n{lines}    return 0 * x.sum(1)\n")


LOOP = "while True:\n    pass"
SHARED = "import mmap, os\n\nfor _ in range(8):\n    if os.fork() == 0:\n        while True:\n            m = mmap.mmap(-1, 2**28)\n            for i in range(0, 2**28, 4096):\n                m[i] = 1\n            kept.append(m)"

ATTACKS = [
    in_cell("loop_in_cell", LOOP),
    in_call("loop_in_call", LOOP),
    in_call(
        "loop_that_catches",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    ),
    in_cell("loop_masked_cell", MASKED + LOOP),
    in_call("loop_masked_call", MASKED + LOOP, "import signal\n\n\n"),
    in_call("alarm_cancelled", "signal.setitimer(signal.ITIMER_REAL, 0)\n" + LOOP, "import signal\n\n\n"),
    in_call("sleep_in_c", "sleep()", IN_C),
    in_cell("sleep_in_c_cell", IN_C + "sleep()"),
    in_call("big_power", "return 7 ** (10**8) % 3"),
    in_call("regex_without_end", "import re\nreturn re.match('(a+)+$', 'a' * 60 + 'b')"),
    in_cell("cell_slow_to_parse", "x = 1\n" + "\n" * 60000 + "y = " + "(" * 150 + ")" * 150),
    in_cell("stopped_itself", "import os, signal\n\nos.kill(os.getpid(), signal.SIGSTOP)\nos.kill(0, signal.SIGTSTP)"),
    in_cell("fork_bomb", "import os\n\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"),
    in_call("fork_bomb_call", "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"),
    in_cell(
        "forks_that_spin",
        "import os\n\nfor _ in range(12):\n    if os.fork() == 0:\n        os.setsid()\n        while True:\n            pass",
    ),
    in_cell(
        "forks_that_stay",
        "import os, time\n\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n    os._exit(0)",
    ),
    in_cell(
        "forks_round_and_round",
        "import os, time\n\nuntil = time.time() + 3\nwhile time.time() < until:\n    if os.fork() == 0:\n        os._exit(0)\n    os.wait()",
    ),
    in_cell(
        "thread_bomb",
        "import threading, time\n\nwhile True:\n    try:\n        threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n    except RuntimeError:\n        pass",
    ),
    in_cell(
        "threads_that_spin",
        "import threading\n\n\ndef spin():\n    while True:\n        pass\n\n\nfor _ in range(12):\n    threading.Thread(target=spin, daemon=True).start()",
    ),
    in_cell("twenty_gigabytes", "held = [bytearray(2**30) for _ in range(20)]"),
    in_call("twenty_gigabytes_call", "return torch.ones(20, 2**27, dtype=torch.float64).sum()"),
    in_cell(
        "memory_of_many",
        "import os\n\nfor _ in range(12):\n    if os.fork() == 0:\n        held = bytearray(b'x' * 2**30)\n        while True:\n            pass",
    ),
    in_cell("memory_shared", "kept = []\n" + SHARED),
    in_cell(
        "memory_of_memfd",
        "import os\n\nfor _ in range(12):\n    if os.fork() == 0:\n        for _ in range(60):\n            fd = os.memfd_create('a')\n            for _ in range(16):\n                os.write(fd, b'x' * 2**20)\n        while True:\n            pass",
    ),
    in_cell(
        "memory_of_system_v",
        "import ctypes\n\nc = ctypes.CDLL(None, use_errno=True)\nc.shmat.restype = ctypes.c_void_p\nfor _ in range(16):\n    i = c.shmget(0, 2**28, 0o1600)\n    p = c.shmat(i, None, 0)\n    if p not in (None, 2**64 - 1):\n        ctypes.memset(p, 1, 2**28)\n        c.shmdt(ctypes.c_void_p(p))",
    ),
    in_cell(
        "memory_of_pipes",
        "import fcntl, os\n\nkept = []\nwhile True:\n    try:\n        r, w = os.pipe()\n        kept.append(fcntl.fcntl(w, 1031, 2**20))\n        os.set_blocking(w, False)\n        os.write(w, b'x' * 2**20)\n    except OSError:\n        break",
    ),
    in_cell(
        "at_exit",
        "import atexit, os, time\n\natexit.register(time.sleep, 1000)\nos.register_at_fork(after_in_child=lambda: time.sleep(1000))",
    ),
    in_cell(
        "timers",
        "import signal\n\nsignal.signal(signal.SIGVTALRM, lambda *a: 1 / 0)\nsignal.setitimer(signal.ITIMER_VIRTUAL, 0.01, 0.01)\nsignal.setitimer(signal.ITIMER_PROF, 0.02, 0.01)",
    ),
    in_cell(
        "limits_raised",
        "import resource\n\nfor limit in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):\n    resource.setrlimit(limit, (resource.RLIM_INFINITY,) * 2)",
    ),
    in_cell(
        "semaphores_left",
        "import multiprocessing as mp\n\nkept = [mp.Semaphore() for _ in range(40)]\nfrom multiprocessing import shared_memory\n\nm = shared_memory.SharedMemory(create=True, size=2**24, name='left')",
    ),
    in_cell(
        "pool_left",
        "import multiprocessing as mp, time\n\npool = mp.get_context('fork').Pool(4)\npool.map_async(time.sleep, [1000] * 4)",
    ),
    in_call(
        "many_threads_of_torch",
        "torch.set_num_threads(60)\nreturn (torch.ones(3000, 3000) @ torch.ones(3000, 3000)).sum(1)[: len(x)]",
    ),
]
