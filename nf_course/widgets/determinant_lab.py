"""DeterminantLab: a 2 x 2 matrix as P L (U + diag(s)), and what each factor does to the unit cell.

The area of the cell's image is |det W| = |s1 s2|; its orientation, shown by a letter F, is the sign. Chapter 7.
"""

import traitlets

from nf_course.widgets.base import Figure

__all__ = ["DeterminantLab"]


class DeterminantLab(Figure):
    """The factors of a 2 x 2 matrix under the reader's hand.

    The script measures the area of the drawn image from its corners, apart from the formula that it is compared with.

    >>> DeterminantLab(lower=0.5, log_abs_s=[0.2, -0.2]).swap
    False
    """

    script = "determinant_lab.js"
    lower = traitlets.Float(0.5).tag(sync=True)
    upper = traitlets.Float(0.8).tag(sync=True)
    log_abs_s = traitlets.List(traitlets.Float(), [0.4, -0.3], minlen=2, maxlen=2).tag(sync=True)
    sign_s = traitlets.List(traitlets.Float(), [1.0, 1.0], minlen=2, maxlen=2).tag(sync=True)
    swap = traitlets.Bool(False).tag(sync=True)
    caption = traitlets.Unicode(
        "Step through the factors with the first slider. Then move the two shears: the cell leans, its area stays. "
        "Move log|s|: the area follows. Press a sign or P: the F turns over, and the area does not notice."
    ).tag(sync=True)
