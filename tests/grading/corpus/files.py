"""Attacks on files: what is to be found, what can be written, what is left for the submission that comes after."""


def found(name, code):
    """Wins where the code, which sets `won`, does."""
    tried = "try:\n" + "".join(f"    {line}\n" for line in code.splitlines()) + "except Exception:\n    pass"
    return (name, "03.logdet", "import glob, os, subprocess\n\nwon = False\n" + tried + "\n\n\n$IF(won)$")


def writes(name, place):
    """Two submissions: the first leaves a file in `place`, the second finds it."""
    write = f"    os.makedirs({place!r}, exist_ok=True)\n    open({place!r} + '/left', 'w').write('the answers')"
    leave = f"import os\n\ntry:\n{write}\nexcept OSError:\n    pass\n\n\n$WRONG"
    return [
        (f"left_{name}_1", "03.logdet", leave),
        found(f"left_{name}_2", f"won = os.path.exists({place!r} + '/left')"),
    ]


ATTACKS = [
    found(
        "model_answers_searched",
        "for root, _, names in os.walk('/'):\n    for name in names:\n        path = os.path.join(root, name)\n"
        "        if 'nf_course' in path and not path.startswith('/course/'):\n            won = won or name in ('log_det.py', 'coupling.py', 'verdict.py')",
    ),
    found(
        "solutions_searched",
        "won = any('solutions' in root and any(n.endswith('.ipynb') for n in names) for root, _, names in os.walk('/'))",
    ),
    found("other_submissions", "won = bool(glob.glob('/**/submission.ipynb', recursive=True))"),
    found(
        "homes_and_passwords",
        "won = any(os.path.exists(p) for p in ('/root/.bashrc', '/root/.ssh', '/home', '/etc/passwd', '/etc/shadow', '/etc/hostname', '/var', '/run', '/mnt'))",
    ),
    found("processes_seen", "won = any(n.isdigit() for n in os.listdir('/proc'))"),
    found("own_memory_by_proc", "won = os.path.exists('/proc/self/mem')"),
    found(
        "environment_of_the_grader",
        "won = any('COURSE' in name or 'PYTHONPATH' in name or 'PYTEST' in name for name in os.environ)",
    ),
    found("course_written", "open('/course/nf_course/won', 'w').write('x')\nwon = True"),
    found(
        "worker_rewritten",
        "path = '/course/nf_course/grading/classroom/worker.py'\nos.chmod(path, 0o777)\nopen(path, 'a').write('x')\nwon = True",
    ),
    found("python_written", "import sys\n\nopen(sys.prefix + '/won', 'w').write('x')\nwon = True"),
    found("torch_written", "open(os.path.dirname(torch.__file__) + '/won.pth', 'w').write('x')\nwon = True"),
    found(
        "hidden_library_written",
        "import sys\n\nfor place in glob.glob(sys.prefix + '/lib/python*/site-packages/zuko'):\n    open(place + '/__init__.py', 'w').write('x')\n    won = True",
    ),
    found(
        "device_files",
        "won = any(os.path.exists(p) for p in ('/dev/sda', '/dev/mem', '/dev/kmsg', '/dev/kvm', '/dev/fuse', '/sys/kernel'))",
    ),
    found("terminal", "won = os.isatty(0) or os.path.exists('/dev/console')"),
    found(
        "descriptors_left_open",
        "import stat\n\nfor fd in range(3, 64):\n    try:\n        mode = os.fstat(fd).st_mode\n        won = won or not stat.S_ISSOCK(mode)\n    except OSError:\n        pass",
    ),
    found(
        "two_sockets",
        "import stat\n\ncount = 0\nfor fd in range(3, 64):\n    try:\n        count += stat.S_ISSOCK(os.fstat(fd).st_mode)\n    except OSError:\n        pass\nwon = count > 1",
    ),
    found("symlink_out", "os.symlink('/proc/1/root/work', '/tmp/w')\nwon = bool(os.listdir('/tmp/w'))"),
    found(
        "setuid_programs",
        "won = any(subprocess.run([p, '-c', 'id'], capture_output=True, timeout=5).returncode == 0 for p in ('/usr/bin/su', '/usr/bin/sudo', '/usr/bin/pkexec') if os.path.exists(p))",
    ),
    found(
        "bwrap_within",
        "won = subprocess.run(['bwrap', '--ro-bind', '/', '/', '--proc', '/proc', 'ls', '/proc/1'], capture_output=True, timeout=5).returncode == 0",
    ),
    *writes("in_root", "/left_behind"),
    *writes("in_tmp", "/tmp/left_behind"),
    *writes("in_shm", "/dev/shm"),
    *writes("in_dev", "/dev/left_behind"),
    *writes("in_hidden_library", "/usr/left_behind"),
    (
        "beside_nf_course",
        "03.logdet",
        "$WRONG",
        {
            "nf_course.py": "raise SystemExit('a file of the submission was imported')\n",
            "conftest.py": "raise SystemExit('a file of the submission was imported')\n",
            "sitecustomize.py": "open('/tmp/nf-course-attack', 'w').write('won')\n",
            "torch.py": "raise SystemExit('a file of the submission was imported')\n",
        },
    ),
    (
        "full_disk",
        "03.logdet",
        "import os\n\nfor folder in ('/tmp', '/dev/shm', '/', '/dev', '/proc'):\n    for i in range(3000):\n        try:\n"
        "            with open(f'{folder}/{i}', 'wb') as f:\n                f.write(b'x' * 2**20)\n        except OSError:\n            break\n\n$WRONG",
    ),
    ("million_files", "03.logdet", "import os\n\nfor i in range(10**6):\n    os.mkdir(f'/tmp/{i}')\n\n$WRONG"),
    ("sparse_giant", "03.logdet", "with open('/tmp/a', 'wb') as f:\n    f.truncate(2**50)\n\n$WRONG"),
    (
        "deep_folders",
        "03.logdet",
        "import os\n\nfor i in range(10**6):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\n\n$WRONG",
    ),
]
