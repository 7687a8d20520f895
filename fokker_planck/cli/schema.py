"""Which tables and keys a problem file may have."""

from __future__ import annotations

from collections.abc import Mapping

from fokker_planck.questions.registry import QUESTIONS

TOP = (
    "title",
    "potential",
    "drift",
    "diffusion",
    "dynamics",
    "domain",
    "discretization",
    "sets",
    "schedule",
    "units",
    *dict.fromkeys(listed.table for listed in QUESTIONS.values() if listed.table is not None),
)

QUADRATIC = ("offset", "slope", "curvature", "center", "form")
DIFFUSIONS: Mapping[str, tuple[str, ...]] = {
    "isotropic": ("epsilon",),
    "constant": ("matrix",),
    "hessian": ("scale", "floor"),
    "quadratic": QUADRATIC,
    "expression": ("expression", "parameters"),
    "grid": ("file", "periodic", "scale"),
    "sgd": ("learning_rate", "batch_size", "samples", "covariance", "epsilon", "scale", "floor", *QUADRATIC),
}
COVARIANCES: Mapping[str, tuple[str, ...]] = {
    "isotropic": ("epsilon",),
    "hessian": ("scale", "floor"),
    "quadratic": QUADRATIC,
}
GRID_KEYS = ("periodic", "smoothing", "scale", "unsampled")
DRIFTS = ("expression", "extra", "parameters")
DYNAMICS: Mapping[str, tuple[str, ...]] = {
    "overdamped": (),
    "underdamped": ("friction", "parameters"),
    "smoluchowski": ("kT",),
}
INTERPRETATIONS = ("ito", "stratonovich", "klimontovich")

DOMAINS: Mapping[str, tuple[str, ...]] = {
    "box": ("lower", "upper", "boundary"),
    "ball": ("center", "radius"),
    "mesh": ("file",),
    "sublevel": ("level", "lower", "upper"),
}
SHAPES: Mapping[str, tuple[str, ...]] = {
    "ball": ("center", "radius"),
    "ellipsoid": ("center", "semi_axes"),
    "halfspace": ("normal", "offset"),
    "region": (),
}
