"""Attacks on the system beneath: signals, tracing, namespaces, mounts, keyrings, and what else a kernel offers."""

C = "import ctypes, os, signal\n\nc = ctypes.CDLL(None, use_errno=True)\nc.syscall.restype = ctypes.c_long\nwon = False\n"


def call(name, code):
    """Wins where the code, which sets `won`, does."""
    tried = "try:\n" + "".join(f"    {line}\n" for line in code.splitlines()) + "except Exception:\n    pass"
    return (name, "03.logdet", C + tried + "\n\n\n$IF(won)$")


def refused(name, *arguments, more=""):
    """Wins where the kernel lets this call through."""
    return call(name, f"won = c.syscall({', '.join(arguments)}) >= 0{more}")


USERS = "0x10000000"
MOUNTS = "0x00020000"

ATTACKS = [
    (
        "kill_all",
        "03.logdet",
        C
        + "for n in (15, 9):\n    os.kill(-1, n)\nfor pid in range(2, 3000):\n    try:\n        os.kill(pid, 9)\n    except OSError:\n        pass\n\n$WRONG",
    ),
    ("kill_parent", "03.logdet", C + "os.kill(os.getppid(), 9)\nos.kill(1, 9)\nos.killpg(0, 9)\n\n$WRONG"),
    (
        "kill_self",
        "03.logdet",
        "import os\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    os.kill(os.getpid(), 11)\n    os.abort()\n",
    ),
    ("death_signal_off", "03.logdet", C + "c.prctl(1, 0)\nc.prctl(4, 1)\nos.setsid()\n\n$WRONG"),
    call(
        "trace_parent",
        "for pid in range(1, 40):\n    won = won or (pid != os.getpid() and c.ptrace(16, pid, None, None) == 0)",
    ),
    call(
        "memory_of_others",
        "import struct\n\nfor pid in range(0, 40):\n    if pid != os.getpid():\n        b = ctypes.create_string_buffer(8)\n        v = (ctypes.c_size_t * 2)(ctypes.addressof(b), 8)\n        won = won or c.syscall(310, pid, v, 1, v, 1, 0) > 0",
    ),
    call("namespace_of_users", f"won = c.unshare({USERS}) == 0"),
    call("namespace_of_mounts", f"won = c.unshare({MOUNTS}) == 0"),
    call(
        "namespace_by_clone",
        f"pid = c.syscall(56, {USERS} | 17, 0, 0, 0, 0)\nif pid == 0:\n    os._exit(0)\nwon = pid > 0",
    ),
    call(
        "namespace_by_clone3",
        f"args = (ctypes.c_uint64 * 11)({USERS}, 0, 0, 0, 17)\npid = c.syscall(435, args, 88)\nif pid == 0:\n    os._exit(0)\nwon = pid > 0",
    ),
    call(
        "capabilities_by_namespace",
        f"c.unshare({USERS} | {MOUNTS})\nwon = c.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, b'size=20g') == 0",
    ),
    call(
        "memory_of_own_mount",
        f"c.unshare({USERS} | {MOUNTS})\nif c.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, b'size=20g') == 0:\n    for i in range(200):\n        open(f'/tmp/{{i}}', 'wb').write(b'x' * (15 << 20))\n    won = True",
    ),
    call("umount_proc", "won = c.umount2(b'/proc', 2) == 0"),
    call(
        "umount_after_unshare",
        f"c.unshare({USERS} | {MOUNTS})\nwon = c.umount2(b'/proc', 2) == 0 or c.umount2(b'/tmp', 2) == 0",
    ),
    call(
        "remount_writable",
        f"c.unshare({USERS} | {MOUNTS})\nwon = c.mount(None, b'/course', None, 0x20 | 0x1000, None) == 0",
    ),
    call(
        "proc_mounted_again",
        f"c.unshare({USERS} | {MOUNTS} | 0x20000000)\nif os.fork() == 0:\n    c.mount(b'proc', b'/proc', b'proc', 0, None)\n    os.execv('/bin/ls', ['ls', '/proc/1/root'])\nwon = os.waitstatus_to_exitcode(os.wait()[1]) == 0",
    ),
    call("pivot_root", f"c.unshare({USERS} | {MOUNTS})\nwon = c.syscall(155, b'/tmp', b'/tmp') == 0"),
    call("chroot_out", "won = c.chroot(b'/tmp') == 0"),
    call("open_tree", f"c.unshare({USERS} | {MOUNTS})\nwon = c.syscall(428, -100, b'/proc', 1) >= 0"),
    call(
        "setns",
        "won = any(c.setns(fd, 0) == 0 for fd in range(3, 30)) or any(c.setns(c.syscall(434, pid, 0), 0x20000) == 0 for pid in range(1, 30))",
    ),
    call(
        "file_handles",
        "h = (ctypes.c_char * 136)()\nctypes.c_uint32.from_buffer(h).value = 128\nm = ctypes.c_int()\nc.name_to_handle_at(-100, b'/usr', h, ctypes.byref(m), 0)\nfd = os.open('/usr', os.O_RDONLY)\nwon = c.open_by_handle_at(fd, h, 0) >= 0",
    ),
    refused("io_uring", "425", "4", "ctypes.create_string_buffer(256)"),
    refused("perf_event", "298", "ctypes.create_string_buffer(128)", "0", "-1", "-1", "0"),
    refused("bpf", "321", "0", "ctypes.create_string_buffer(128)", "128"),
    refused("userfaultfd", "323", "1"),
    call(
        "keyring_session_1",
        "c.syscall(248, b'user', b'nf-left', b'answers', 7, ctypes.c_int(-3))\nc.syscall(248, b'user', b'nf-left-user', b'answers', 7, ctypes.c_int(-4))",
    ),
    call(
        "keyring_session_2",
        "won = c.syscall(249, b'user', b'nf-left', None, 0) >= 0 or c.syscall(250, 10, ctypes.c_int(-4), b'user', b'nf-left-user', 0) >= 0",
    ),
    call("keyring_of_the_grader", "won = c.syscall(250, 0, ctypes.c_int(-3), 1) >= 0"),
    call(
        "abstract_socket_1",
        "import socket\n\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0nf-left')\ns.listen()\nif os.fork() == 0:\n    os.setsid()\n    signal.pause()",
    ),
    call(
        "abstract_socket_2", "import socket\n\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0nf-left')\nwon = True"
    ),
    call("network", "import socket\n\nwon = any(name != 'lo' for _, name in socket.if_nameindex())"),
    call(
        "netlink",
        f"import socket\n\nc.unshare({USERS} | 0x40000000)\ns = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)\nwon = True",
    ),
    call(
        "message_queue_1",
        "c.mq_open(b'/nf-left', 0o102, 0o600, None)\nc.msgget(1234, 0o1600)\nc.semget(1234, 3, 0o1600)",
    ),
    call(
        "message_queue_2", "won = c.mq_open(b'/nf-left', 2) >= 0 or c.msgget(1234, 0) >= 0 or c.semget(1234, 0, 0) >= 0"
    ),
    call("priorities", "won = c.nice(-20) != -1 and os.getpriority(os.PRIO_PROCESS, 0) < 0"),
    call("real_time", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))\nwon = True"),
    call("memory_locked", "won = c.mlockall(3) == 0 and False"),
    call("clock_and_name", "won = c.sethostname(b'won', 3) == 0 or c.syscall(227, 0, (ctypes.c_long * 2)(0, 0)) == 0"),
    call("setuid", "won = any(c.setresuid(u, u, u) == 0 for u in (1, 1000, 65534))"),
    call(
        "terminal_typed",
        "import fcntl, termios\n\nfor fd in range(3):\n    fcntl.ioctl(fd, termios.TIOCSTI, b'x')\nwon = True",
    ),
    call("seccomp_on_itself", "c.prctl(38, 1, 0, 0, 0)\nc.prctl(22, 1, 0, 0, 0)"),
    call(
        "compat_calls",
        "code = bytes.fromhex('53b814000000cd805bc3')\nimport mmap\n\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(code)\np = ctypes.addressof(ctypes.c_char.from_buffer(m))\nwon = ctypes.CFUNCTYPE(ctypes.c_int)(p)() > 0",
    ),
    call(
        "supervisor_timed",
        "import time\n\nseen = []\nfor _ in range(200):\n    t = time.perf_counter()\n    time.sleep(0.001)\n    seen.append(time.perf_counter() - t)\nif os.fork() == 0:\n    held = bytearray(2**30)\n    os._exit(0)",
    ),
    call(
        "descriptor_by_pidfd",
        "fd = c.syscall(434, os.getppid() or 1, 0)\nwon = fd >= 0 and os.getpid() != 1 and c.syscall(438, fd, 3, 0) >= 0",
    ),
]
