"""Figures that move: in a notebook and on the rendered page, with no kernel and no network."""

from nf_course.widgets.stretch import Stretch as Stretch
