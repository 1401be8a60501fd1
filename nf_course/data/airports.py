"""Where the airports of the United States are: real points in the plane, with coasts and empty deserts."""

import torch
from torch import Tensor

from nf_course.data._files import read


def airports(contiguous: bool = True) -> Tensor:
    r"""Positions of airports in the United States, in degrees: longitude (east positive), then latitude.

    The order is (longitude, latitude), the order of the axes on a map. Degrees are not lengths: at latitude
    :math:`\varphi` one degree of longitude is :math:`111.2 \cos\varphi` km and one of latitude is 111.2 km.
    So a density per square degree becomes one per square kilometre by a change of variables, and not by one
    constant.

    Args:
        contiguous: True keeps the 3069 in the box of the 48 contiguous states, longitude -125 to -66 and
            latitude 24 to 50. False gives all 3376: also Alaska, Hawaii, the Caribbean, and islands in the
            western Pacific, whose longitudes near +145 lie beyond the date line.

    Returns:
        Tensor of shape ``(n, 2)``, float32 (good to a metre). The order of the rows has no meaning to rely
        on; there is no split.

    >>> positions = airports()
    >>> positions.shape, positions.dtype
    (torch.Size([3069, 2]), torch.float32)
    >>> len(airports(contiguous=False))
    3376

    Source: ``airports.csv`` of the package vega_datasets, which gives it as a part of OurAirports' data, in the
    public domain. Credits in NOTICE. Chapter 1.
    """
    arrays = read("airports.npz", longitude=((3376,), "f"), latitude=((3376,), "f"))
    positions = torch.stack([torch.tensor(arrays["longitude"]), torch.tensor(arrays["latitude"])], dim=1)
    if not contiguous:
        return positions
    longitude, latitude = positions.unbind(dim=1)
    return positions[(longitude > -125) & (longitude < -66) & (latitude > 24) & (latitude < 50)]
