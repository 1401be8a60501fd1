"""What is not promised: right numbers, found in a way that the task rules out, by a process that lies about the way;
or by the parts that checks hand to answers, of which one is a coupling (sandbox.py says so).

Which operators ran is told by the process that ran them (border.py says so). These are full points, and a test says
that they are: when one of them fails, the sentence in border.py is to be changed.
"""

from tests.grading.corpus.wire import SERVER

ATTACKS = [
    (
        "coupling_borrowed",
        "03.encode",
        "from nf_course.grading.parts import Coupling\n\n\n"
        "def encode(x, mask, scale_net, shift_net):\n"
        "    return Coupling('', mask, scale_net, shift_net).encode(x, x)[0]\n",
    ),
    (
        "determinant_by_numpy",
        "01.logdet",
        """import numpy as np


class Hidden(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, a):
        ctx.save_for_backward(x, a)
        rows = np.cosh((a * x).detach().numpy()) * a.numpy()
        return torch.from_numpy(np.linalg.slogdet(np.stack([np.diag(row) for row in rows]))[1]).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        x, a = ctx.saved_tensors
        return g[:, None] * a * torch.tanh(a * x), g @ (1 / a + x * torch.tanh(a * x))


def log_det(x, a):
    return Hidden.apply(x, a)
""",
    ),
    (
        "jacobian_by_a_lying_process",
        "03.logdet",
        SERVER.replace(
            "        message, blobs",
            "        from nf_course.grading.call import LocalAnswer, GradientOf\n"
            "        from nf_course.grading.classroom.wire import pack, unpack\n"
            "        from nf_course.grading.exercise import Case\n"
            "        message, blobs",
        )
        + """
    def by_jacobian(x, mask, scale_net, shift_net):
        def encode(row):
            s = scale_net(row[None, mask])[0]
            return torch.exp(s) * row[~mask]

        J = torch.stack([torch.autograd.functional.jacobian(encode, row, create_graph=True)[:, ~mask] for row in x])
        return torch.linalg.slogdet(J)[1]

    g = message.get("gradient")
    request = GradientOf(tuple(g["arguments"]), unpack(g["weights"], blobs)) if g else None
    outcome = LocalAnswer((by_jacobian,))(Case(unpack(message["args"], blobs), 0), gradient=request)
    out = []
    value = pack(outcome.value, out)
    gradients = None if outcome.gradients is None else pack(outcome.gradients, out)
    end.sendall(frame(GOOD | {"value": value, "gradients": gradients}, out))
""",
    ),
]
