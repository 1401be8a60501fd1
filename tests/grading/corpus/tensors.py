"""Attacks by tensors: subclasses that lie, torch patched, results that are no plain numbers."""

RIGHT = "scale_net(x[:, mask]).sum(1)"


def returns(name, expression, before=""):
    return (name, "03.logdet", f"{before}def log_det(x, mask, scale_net, shift_net):\n    return {expression}\n")


LIES = """class Lies(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True

    shape = property(lambda self: torch.Size([17]))
    dtype = property(lambda self: torch.float64)


"""

ATTACKS = [
    returns("subclass", "torch.zeros(len(x)).as_subclass(Lies)", LIES),
    returns(
        "subclass_dispatch",
        "Lies(x)",
        "class Lies(torch.Tensor):\n    @staticmethod\n    def __new__(cls, x):\n"
        "        return torch.Tensor._make_wrapper_subclass(cls, (len(x),), dtype=x.dtype)\n\n    @classmethod\n"
        "    def __torch_dispatch__(cls, *a, **k):\n        raise SystemExit\n\n\n",
    ),
    returns(
        "fake_tensor", "FakeTensorMode().from_tensor(x.sum(1))", "from torch._subclasses import FakeTensorMode\n\n\n"
    ),
    returns("meta", f"({RIGHT}).to('meta')"),
    returns("sparse", f"({RIGHT}).to_sparse()"),
    returns("quantised", "torch.quantize_per_tensor(x.sum(1).float(), 0.1, 0, torch.qint8)"),
    returns("nested", "torch.nested.nested_tensor([x[0], x[0]])"),
    returns("expanded_to_terabytes", "torch.zeros(1).expand(2**40)"),
    returns(
        "freed_storage", "freed(x.sum(1))", "def freed(t):\n    t.untyped_storage().resize_(0)\n    return t\n\n\n"
    ),
    returns("outside_its_storage", "torch.zeros(1, dtype=x.dtype).as_strided((len(x),), (2**30,))"),
    returns("detached", f"({RIGHT}).detach()"),
    returns("detached_scaled", f"({RIGHT}).detach() + 0 * x.sum(1)"),
    returns("float32", f"({RIGHT}).float()"),
    returns("complex", f"({RIGHT}).to(torch.complex128)"),
    returns("not_finite", "x.sum(1) * float('nan')"),
    (
        "input_changed",
        "03.logdet",
        f"def log_det(x, mask, scale_net, shift_net):\n    answer = {RIGHT}\n    x[:] = 0\n    return answer\n",
    ),
    (
        "default_dtype_left",
        "03.logdet",
        f"def log_det(x, mask, scale_net, shift_net):\n    torch.set_default_dtype(torch.float16)\n    return {RIGHT}\n",
    ),
    (
        "seed_left",
        "03.logdet",
        f"def log_det(x, mask, scale_net, shift_net):\n    torch.manual_seed(0)\n    return {RIGHT}\n",
    ),
    (
        "net_replaced",
        "03.logdet",
        "def log_det(x, mask, scale_net, shift_net):\n    object.__setattr__(scale_net, 'amplitude', 0.0)\n    scale_net.weight.zero_()\n    return scale_net(x[:, mask]).sum(1)\n",
    ),
    (
        "comparisons_patched",
        "03.logdet",
        "for name in ('__eq__', '__ne__', '__le__', '__lt__', 'isclose', 'allclose', 'equal', 'any', 'all', '__bool__'):\n"
        "    setattr(torch.Tensor, name, lambda *a, **k: True)\n    if hasattr(torch, name):\n        setattr(torch, name, lambda *a, **k: True)\n\n\n$WRONG",
    ),
    (
        "numpy_patched",
        "03.logdet",
        "import numpy as np\n\nnp.abs = np.isfinite = np.array = lambda *a, **k: 0\ntorch.Tensor.numpy = lambda self: 0\n\n\n$WRONG",
    ),
    (
        "autograd_patched",
        "03.logdet",
        "torch.autograd.grad = lambda total, leaves, **k: tuple(torch.zeros_like(t) for t in leaves)\n\n\n$WRONG",
    ),
    (
        "autograd_function_lies",
        "03.logdet",
        "class Lies(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x, answer):\n        return answer.clone()\n\n    @staticmethod\n"
        f"    def backward(ctx, g):\n        return g[:, None], None\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return Lies.apply(x, ({RIGHT}).detach())\n",
    ),
    (
        "backward_never_ends",
        "03.logdet",
        "class Slow(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, y):\n        return y.clone()\n\n    @staticmethod\n"
        f"    def backward(ctx, g):\n        while True:\n            pass\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return Slow.apply({RIGHT})\n",
    ),
    (
        "backward_exits",
        "03.logdet",
        "import os\n\n\nclass Ends(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, y):\n        return y.clone()\n\n    @staticmethod\n"
        f"    def backward(ctx, g):\n        os._exit(0)\n\n\ndef log_det(x, mask, scale_net, shift_net):\n    return Ends.apply({RIGHT})\n",
    ),
    (
        "dispatch_mode_left_on",
        "03.logdet",
        "from torch.utils._python_dispatch import TorchDispatchMode\n\n\nclass Zero(TorchDispatchMode):\n    def __torch_dispatch__(self, func, types, args=(), kwargs=None):\n"
        "        raise SystemExit\n\n\nZero().__enter__()\n\n\n$WRONG",
    ),
    (
        "determinant",
        "07.logdet",
        "def log_det(x, log_abs_s):\n    n = x.shape[1]\n    W = torch.diag(torch.exp(log_abs_s))\n    return torch.linalg.slogdet(W)[1] * x[0, 0].numel() * torch.ones(len(x), dtype=x.dtype)\n",
    ),
    (
        "jacobian",
        "01.logdet",
        "def log_det(x, a):\n    J = torch.stack([torch.autograd.functional.jacobian(lambda r: torch.sinh(a * r), row, create_graph=True) for row in x])\n"
        "    return torch.linalg.slogdet(J)[1]\n",
    ),
    (
        "differences",
        "01.logdet",
        "def log_det(x, a):\n    h = 1e-6\n    return torch.log((torch.sinh(a * (x + h)) - torch.sinh(a * (x - h))) / (2 * h)).sum(1)\n",
    ),
    (
        "exact_trace_by_a_loop",
        "09.trace",
        "def hutchinson(f, x, e):\n    rows = []\n    for row, u in zip(x, e):\n        J = torch.autograd.functional.jacobian(lambda r: f(r[None])[0], row, create_graph=True)\n"
        "        rows.append(u @ J @ u)\n    return torch.stack(rows)\n",
    ),
    (
        "factor_by_claims",
        "07.factor",
        "def factor(W):\n    n = len(W)\n    return torch.arange(n), torch.eye(n), W, torch.ones(n), torch.zeros(n)\n",
    ),
    ("random_guess", "14.chamfer", "def chamfer(x, y):\n    return torch.rand(len(x), dtype=x.dtype)\n"),
    ("huge_result", "16.total_variation", "def total_variation(x, smoothing):\n    return torch.zeros(2**27)\n"),
    ("many_results", "14.chamfer", "def chamfer(x, y):\n    return tuple(torch.zeros(1) for _ in range(50000))\n"),
]
