"""Potentials and landscapes that tests of several folders look at."""

from fokker_planck.landscape.frame import Frame
from fokker_planck.landscape.types import CriticalPoint, Landscape, Saddle

MUELLER_BROWN = " + ".join(
    f"({A})*exp(({a})*(x - ({x0}))**2 + ({b})*(x - ({x0}))*(y - ({y0})) + ({c})*(y - ({y0}))**2)"
    for A, a, b, c, x0, y0 in zip(
        (-200, -100, -170, 15),
        (-1, -1, -6.5, 0.7),
        (0, 0, 11, 0.6),
        (-10, -10, -6.5, 0.7),
        (1, 0, -0.5, -1),
        (0, 0.5, 1.5, 1),
        strict=True,
    )
)
THREE_HOLE = (
    "3*exp(-x**2 - (y - 1/3)**2) - 3*exp(-x**2 - (y - 5/3)**2) - 5*exp(-(x - 1)**2 - y**2)"
    " - 5*exp(-(x + 1)**2 - y**2) + 0.2*x**4 + 0.2*(y - 1/3)**4"
)


def chain(values, passes):
    """Wells in a row with the given bottoms and the passes between neighbours."""
    well = {"hessian": ((1.0,),), "hessian_eigenvalues": (1.0,), "kind": "minimum"}
    minima = tuple(CriticalPoint((float(k),), value, **well) for k, value in enumerate(values))
    top = {"hessian": ((-1.0,),), "hessian_eigenvalues": (-1.0,), "kind": "saddle", "unstable_direction": (1.0,)}
    saddles = [Saddle((k + 0.5,), value, joins=(k, k + 1), **top) for k, value in enumerate(passes)]
    return Landscape(minima, tuple(sorted(saddles, key=lambda s: s.value)), Frame((-1.0,), (9.0,), (None,)))
