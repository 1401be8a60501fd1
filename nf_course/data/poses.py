r"""Poses: 16 joints of a moving body, 1810 frames of 20 clips of motion capture.

Taken apart from where the body stands and which way it faces: the root is at the origin, y points up, x from the right
hip to the left one, and so the upright body looks along z. Frames of a clip are near copies of each other, so that
whole clips are held out, never single frames.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nf_course.data._files import check_split, read

FRAMES, JOINTS = 1810, 16
CLIPS = {
    "valid": ("dance_b", "walker/turn_left1", "jump"),
    "test": ("dance_a", "kick", "run", "walker/turn_right1", "getup_faceup"),
}  # the other twelve are "train"


@dataclass(frozen=True)
class Poses:
    """Frames of one split.

    Attributes:
        joints: shape ``(n, 16, 3)``, float32, in metres; the root, joint 0, is at the origin.
        clip: shape ``(n,)``: index into ``clips``.
        names: of the joints. ``parents``: of each joint, -1 for the root. ``clips``: names of all twenty.
    """

    joints: Tensor
    clip: Tensor
    names: tuple[str, ...]
    parents: tuple[int, ...]
    clips: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.joints)

    def bones(self, joints: Tensor | None = None) -> Tensor:
        """Vectors from each joint's parent to the joint, root left out: (n, 16, 3) -> (n, 15, 3).

        >>> frames = poses("test")
        >>> lengths = frames.bones().norm(dim=2)
        >>> bool((lengths.std(0) < 1e-4).all())  # one body, whose bones keep their length
        True
        """
        joints = self.joints if joints is None else joints
        return joints[:, 1:] - joints[:, list(self.parents[1:])]

    def mirrored(self) -> "Poses":
        """The same frames with left and right exchanged: x changes its sign, and each joint its partner.

        >>> frames = poses("valid")
        >>> bool(torch.equal(frames.mirrored().mirrored().joints, frames.joints))
        True
        """
        joints = self.joints[:, list(_partners(self.names))] * torch.tensor([-1.0, 1.0, 1.0])
        return Poses(joints, self.clip, self.names, self.parents, self.clips)


def poses(split: str | None = None) -> Poses:
    """Frames of motion capture, split by clip.

    Args:
        split: ``"train"``, ``"valid"``, ``"test"``, or None for all.

    Returns:
        :class:`Poses`, with ``joints`` of shape ``(n, 16, 3)`` in metres.

    One skeleton, of an adult. About 450 of the 1810 frames differ from all others by more than 5 cm in some joint.

    >>> frames = poses("test")
    >>> frames.joints.shape[1:], bool(frames.joints[:, 0].abs().max() == 0)
    (torch.Size([16, 3]), True)
    >>> set(frames.clip.tolist()) & set(poses("train").clip.tolist())
    set()

    Source: clips of DeepMimic as they ship with pybullet 3.2.7 (zlib), whose authors no longer know where each clip is
    from; joints by forward kinematics, see NOTICE. Chapters 15 and 16.
    """
    if split is not None:
        check_split(split)
    arrays = read("poses.npz", joints=((FRAMES, JOINTS, 3), "f"), clip=((FRAMES,), "u"), parents=((JOINTS,), "i"))
    clips = tuple(map(str, arrays["clip_names"]))
    where = {clip: name for name, held_out in CLIPS.items() for clip in held_out}
    wanted = [k for k, clip in enumerate(clips) if split in (None, where.get(clip, "train"))]
    rows = np.isin(arrays["clip"], wanted)
    names = tuple(map(str, arrays["joint_names"]))
    joints = torch.from_numpy(arrays["joints"][rows])
    return Poses(
        facing(joints - joints[:, :1], names),
        torch.from_numpy(arrays["clip"][rows].astype(np.int64)),
        names,
        tuple(arrays["parents"].tolist()),
        clips,
    )


def facing(joints: Tensor, names: tuple[str, ...]) -> Tensor:
    """Joints (n, 16, 3) turned about the vertical until the line from right hip to left hip has no part along z."""
    across = joints[:, names.index("left_hip")] - joints[:, names.index("right_hip")]  # (n, 3)
    along, aside = across[:, :1], across[:, 2:]  # (n, 1): along x and z
    length = (along.square() + aside.square()).sqrt().clamp_min(1e-6)  # 0 where one hip is above the other
    c, s = along / length, aside / length
    x, y, z = joints.unbind(2)  # (n, 16) each
    return torch.stack((c * x + s * z, y, c * z - s * x), 2)


def _partners(names: tuple[str, ...]) -> list[int]:
    """For each joint that of the other side, or itself."""
    swap = {"left": "right", "right": "left"}
    other = ["_".join(swap.get(word, word) for word in name.split("_")) for name in names]
    return [names.index(name) for name in other]
