"""Attacks on the border: the socket found and used, forged frames, replies that lie about their form."""

SOCKET = """
import json, os, socket, stat, struct, time


def the_socket():
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return socket.socket(fileno=os.dup(fd))
        except OSError:
            pass


def frame(message, blobs=()):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    sizes = b"".join(struct.pack("<I", len(b)) for b in blobs)
    return b"NFC1" + struct.pack("<IH", len(text), len(blobs)) + sizes + text + b"".join(blobs)


end = the_socket()
GOOD = {"error": None, "inputs_changed": [], "state_changed": [], "operators": {}, "gradients": None}
"""
ARGUMENTS = '[[name, 1, False] for name in ("x", "mask", "scale_net", "shift_net")]'
DEFINED = (
    '{"defined": {"03.logdet log_det": {"kind": "function", "callable": True, "name": "log_det", "signature": '
    + ARGUMENTS
    + "}}}"
)
# The cell never ends: it answers in place of the worker.
SERVER = (
    SOCKET
    + """
$WRONG

end.sendall(frame(DEFINED_HERE))
from nf_course.grading.classroom.wire import receive
import signal

signal.signal(signal.SIGALRM, signal.SIG_IGN)
while True:
    try:
        message, blobs = receive(end, time.monotonic() + 600)
    except TimeoutError:
        continue
    except BaseException:
        os._exit(0)
""".replace("DEFINED_HERE", DEFINED)
)


def server(name, reply, before=""):
    """An attack that answers every call with these bytes."""
    indented = "".join(f"    {line}\n" for line in reply.strip().splitlines())
    return (name, "03.logdet", before + SERVER + indented)


def replies(name, value, more="", blobs="()"):
    return server(name, f"end.sendall(frame(GOOD | {{'value': {value}}}{more}, {blobs}))")


def once(name, code, exercise="03.logdet"):
    """An attack by the cell itself; the worker goes on after it."""
    return (name, exercise, SOCKET + code + "\n\n$WRONG")


RESULT = '{"earned": 2, "status": "right", "test": None, "exercise": "03.logdet"}'

ATTACKS = [
    once("forged_result", f"end.sendall(frame({RESULT}))"),
    once("forged_ready_twice", 'end.sendall(frame({"ready": True}) * 50)'),
    once("forged_definitions", f"end.sendall(frame({DEFINED}))"),
    once("forged_definitions_no_object", 'end.sendall(frame({"defined": [1, 2, 3]}))'),
    once(
        "forged_signature_types",
        'end.sendall(frame({"defined": {"03.logdet log_det": {"callable": True, '
        '"signature": [["x", 99, False], ["1 + 1", 1, False], [None, None, None]]}}}))',
    ),
    once(
        "forged_signature_long",
        'end.sendall(frame({"defined": {"03.logdet log_det": {"callable": True, "signature": '
        '[["x%d" % i, 1, False] for i in range(200000)]}}}))',
    ),
    once(
        "forged_kind_script",
        'end.sendall(frame({"defined": {"03.logdet log_det": {"callable": False, '
        '"kind": "<script>alert(1)</script>\\x1b[2J"}}}))',
    ),
    once(
        "forged_kind_deep",
        'end.sendall(frame(b\'{"defined": {"03.logdet log_det": {"callable": false, "kind": \' '
        "+ b'[' * 900 + b']' * 900 + b'}}}'))",
    ),
    once("garbage", "end.sendall(os.urandom(100000))"),
    once("frame_of_nothing", 'end.sendall(b"NFC1" + b"\\0" * 6)'),
    once("length_of_four_gigabytes", 'end.sendall(b"NFC1" + struct.pack("<IH", 2**32 - 1, 0) + b"x" * 100000)'),
    once("most_blobs", 'end.sendall(b"NFC1" + struct.pack("<IH", 2, 65535) + b"\\xff" * 262140)'),
    once("blobs_of_four_gigabytes", 'end.sendall(b"NFC1" + struct.pack("<IH", 2, 4096) + b"\\xff" * 16384)'),
    once("half_a_frame", 'end.sendall(frame({"defined": {}})[:-1])'),
    once("closed", "end.shutdown(socket.SHUT_RDWR)"),
    once("closed_descriptors", "os.closerange(3, 64)"),
    once("made_nonblocking", "end.setblocking(False)\nimport fcntl\nfcntl.fcntl(end, fcntl.F_SETOWN, 1)"),
    once("descriptors_sent", "for _ in range(50):\n    socket.send_fds(end, [b'NFC1'], [0] * 50)"),
    once(
        "read_before_the_worker",
        "import threading\n\n\ndef read():\n    while end.recv(4096):\n        end.sendall(frame(GOOD | {'value': 0.0}))\n\n\n"
        "threading.Thread(target=read, daemon=True).start()",
    ),
    once(
        "found_in_gc",
        "import gc\n\nfor thing in gc.get_objects():\n    if isinstance(thing, socket.socket):\n"
        f"        thing.sendall(frame({RESULT}))",
    ),
    once(
        "found_in_frames",
        "import sys\n\nf = sys._getframe()\nwhile f:\n    for thing in list(f.f_locals.values()):\n"
        f"        if isinstance(thing, socket.socket):\n            thing.sendall(frame({RESULT}))\n    f = f.f_back",
    ),
    once(
        "connected_to_the_outside",
        'for place in ("1.1.1.1", "127.0.0.1"):\n    s = socket.socket()\n'
        "    s.settimeout(1)\n    try:\n        s.connect((place, 80))\n        won = True\n    except OSError:\n        pass",
    ),
    replies("ahead_of_time", "0.0"),
    server("a_hundred_ahead", "end.sendall(frame(GOOD | {'value': 0.0}) * 100)"),
    server("slow_bytes", "for byte in frame(GOOD | {'value': 0.0}):\n    end.send(bytes([byte])); time.sleep(0.3)"),
    server(
        "late_each_time",
        "time.sleep(max(message.get('limit', 0) + 0.5, 0.5)); end.sendall(frame(GOOD | {'value': 0.0}))",
    ),
    server("never", "pass"),
    server("a_list", "end.sendall(frame([1]))"),
    server("nothing_in_it", "end.sendall(frame({}))"),
    server(
        "not_a_number_json",
        'end.sendall(frame(b\'{"value": NaN, "operators": {"a": [Infinity, -Infinity]}, "error": null, '
        '"inputs_changed": [], "state_changed": [], "gradients": null}\'))',
    ),
    server("deep_json", 'end.sendall(frame(b"[" * 10_000_000))'),
    server("deep_object", 'end.sendall(frame(b\'{"value":\' * 100_000 + b"1" + b"}" * 100_000))'),
    server("sixty_megabytes_of_lists", 'end.sendall(frame(b"[" + b"[]," * 20_000_000 + b"[]]"))'),
    server("sixty_megabytes_of_objects", 'end.sendall(frame(b\'{"value": [\' + b"{}," * 20_000_000 + b"{}]}"))'),
    server("number_of_a_million_digits", 'end.sendall(frame(b\'{"value": \' + b"9" * 1_000_000 + b"}"))'),
    replies("number_of_four_thousand_digits", "10**4000"),
    server("half_characters", 'end.sendall(frame(GOOD | {"error": {"kind": "\\ud800", "message": "\\udfff\\u202e"}}))'),
    replies(
        "one_blob_a_thousand_times",  # 15 GB, of 15 MB
        "{'list': [{'tensor': 0, 'shape': [15 << 20], 'dtype': 'uint8'}] * 1000}",
        "",
        "(bytes(15 << 20),)",
    ),
    replies("dictionary_as_value", "{'value': {'value': 1}}"),
    replies("tensor_without_bytes", "{'tensor': 0, 'shape': [17], 'dtype': 'float64'}"),
    replies("tensor_of_negative_place", "{'tensor': -1, 'shape': [1], 'dtype': 'float64'}", "", "(b'12345678',)"),
    replies("tensor_shape_of_floats", "{'tensor': 0, 'shape': [1.0, True], 'dtype': 'float64'}", "", "(b'12345678',)"),
    replies("tensor_shape_of_text", "{'tensor': 0, 'shape': 'ab', 'dtype': 'float64'}", "", "(b'12345678',)"),
    replies(
        "tensor_shape_huge_and_empty", "{'tensor': 0, 'shape': [0] + [2**39] * 31, 'dtype': 'float64'}", "", "(b'',)"
    ),
    replies("tensor_of_odd_booleans", "{'tensor': 0, 'shape': [8], 'dtype': 'bool'}", "", "(b'12345678',)"),
    replies("tensor_of_no_dtype", "{'tensor': 0, 'shape': [1], 'dtype': 'load'}", "", "(b'12345678',)"),
    replies("part_that_is_none", "{'part': 'map_tensors', 'fields': {}}"),
    replies("part_of_odd_fields", "{'part': 'Net', 'fields': {'name': None, 'weight': 1, 'bias': 'x'}}"),
    replies(
        "generator_of_odd_state",
        "{'generator': {'tensor': 0, 'shape': [5056], 'dtype': 'uint8'}}",
        "",
        "(b'\\xff' * 5056,)",
    ),
    replies("subclass_with_odd_name", "{'subclass': '__torch_function__'}"),
    replies("opaque_without_end", "{'opaque': 'x' * 10**6, 'callable': True}"),
    replies("a_million_items", "{'list': [0] * 10**6}"),
    replies("operators_infinite", "0.0", " | {'operators': {'a': [float('inf'), 1]}}"),
    replies("operators_a_million", "0.0", " | {'operators': {str(i): [1, 1] for i in range(10**6)}}"),
    replies("operators_a_list", "0.0", " | {'operators': [1, 2]}"),
    replies("inputs_changed_a_number", "0.0", " | {'inputs_changed': 5}"),
    replies("inputs_changed_far_place", "0.0", " | {'inputs_changed': [10**6]}"),
    replies("gradients_a_text", "0.0", " | {'gradients': 'abc'}"),
    replies("error_a_list", "0.0", " | {'error': [1]}"),
    replies("error_blank_and_right", "0.0", " | {'error': {'blank': 'true', 'kind': {'a': 1}, 'status': 'right'}}"),
]
