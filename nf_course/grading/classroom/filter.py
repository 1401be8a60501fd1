"""What a submission may not ask of the kernel: a seccomp filter over its system calls, for x86_64 and aarch64.

It takes away what namespaces and limits do not cover: memory that is in no process's account (memfd, System V), the
grader's keyrings and vsock, which belong to no namespace, new user namespaces, in which one may mount and trace, and
new processes: no answer needs one, threads are enough, and no limit of the kernel's stops a bomb of root's.
"""

from __future__ import annotations

import ctypes
import platform
import struct

__all__ = ["forbid"]

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, EAGAIN, ENOSYS, EAFNOSUPPORT = 1, 11, 38, 97
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the filter
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # where a call's data stand, little-endian
NAMESPACES = 0x7E020000  # of clone: mount, cgroup, uts, ipc, user, pid, net
THREAD = 0x00010000  # of clone
FAMILIES = (1, 2, 10)  # of socket: unix, and the internet's, of which there is nothing in an empty network namespace

# name: x86_64, aarch64
CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "shmget": (29, 194), "shmctl": (31, 195), "shmat": (30, 196), "shmdt": (67, 197),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "acct": (163, 89), "syslog": (103, 116),
}  # fmt: skip
MACHINES = {"x86_64": (0, 0xC000003E, 56, 41), "aarch64": (1, 0xC00000B7, 220, 198)}  # column, name, clone, socket
CLONE3 = 435  # its flags lie in memory, where no filter sees them; the C library falls back on clone


def forbid(libc: ctypes.CDLL) -> None:
    """From now on, in this process and all that it starts. Errors: `OSError` where the system has no such filter."""
    program = _program()
    buffer = ctypes.create_string_buffer(program, len(program))
    wanted = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, wanted):
        raise OSError(ctypes.get_errno(), "system calls cannot be filtered")


def _program() -> bytes:
    if platform.machine() not in MACHINES:
        raise OSError(ENOSYS, f"no filter of system calls for {platform.machine()}")
    column, architecture, clone, socket = MACHINES[platform.machine()]
    lines = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    if column == 0:  # calls of the x32 kind have numbers of their own; fork and vfork are no clone here
        lines += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, REFUSE | ENOSYS)]
        for number in (57, 58):
            lines += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | EAGAIN)]
    for numbers in CALLS.values():
        lines += [(EQUAL, 0, 1, numbers[column]), (RETURN, 0, 0, REFUSE | EPERM)]
    lines += [(EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, REFUSE | ENOSYS)]
    flags = [(LOAD, 0, 0, FIRST_ARGUMENT), (ANY_BIT, 0, 1, NAMESPACES), (RETURN, 0, 0, REFUSE | EPERM)]
    flags += [(ANY_BIT, 1, 0, THREAD), (RETURN, 0, 0, REFUSE | EAGAIN), (RETURN, 0, 0, ALLOW)]
    lines += [(EQUAL, 0, len(flags), clone), *flags]
    allowed = [line for family in FAMILIES for line in ((EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW))]
    family = [(LOAD, 0, 0, FIRST_ARGUMENT), *allowed, (RETURN, 0, 0, REFUSE | EAFNOSUPPORT)]
    lines += [(EQUAL, 0, len(family), socket), *family, (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
