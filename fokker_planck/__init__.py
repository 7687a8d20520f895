"""Stationary densities, spectra, mean exit times and rates of ``dX = b(X) dt + sqrt(2 D(X)) dW`` by finite elements.

The public names are fetched from their modules at the first use of each, so that importing the package costs next to
nothing and the mathematics works where dolfinx is not installed.

>>> import fokker_planck as fp
>>> fp.Box([-2, -1.5], [2, 1.5]).dimension
2
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fokker_planck import sgd as sgd
    from fokker_planck.answers import committor as committor
    from fokker_planck.answers import eyring_kramers as eyring_kramers
    from fokker_planck.answers import is_reversible as is_reversible
    from fokker_planck.answers import landscape as energy_landscape  # noqa: F401
    from fokker_planck.answers import mean_exit_time as mean_exit_time
    from fokker_planck.answers import rates as rates
    from fokker_planck.answers import spectrum as spectrum
    from fokker_planck.answers import stationary_density as stationary_density
    from fokker_planck.committor_plot import plot_committor as plot_committor
    from fokker_planck.diffusion import Constant as Constant
    from fokker_planck.diffusion import Isotropic as Isotropic
    from fokker_planck.domain import Box as Box
    from fokker_planck.domain import MeshFile as MeshFile
    from fokker_planck.domain import Sublevel as Sublevel
    from fokker_planck.drift import Drift as Drift
    from fokker_planck.errors import BarrierTooHighError as BarrierTooHighError
    from fokker_planck.errors import ConvergenceError as ConvergenceError
    from fokker_planck.errors import FokkerPlanckError as FokkerPlanckError
    from fokker_planck.errors import MeshFileError as MeshFileError
    from fokker_planck.errors import MissingPackageError as MissingPackageError
    from fokker_planck.errors import ProblemError as ProblemError
    from fokker_planck.gallery import named as named
    from fokker_planck.hessian_diffusion import Hessian as Hessian
    from fokker_planck.io import save as save
    from fokker_planck.plotting import plot_density as plot_density
    from fokker_planck.potential import Potential as Potential
    from fokker_planck.problem import Problem as Problem
    from fokker_planck.problem import Resolution as Resolution
    from fokker_planck.problem_file import load_problem as load_problem
    from fokker_planck.process import Drifting as Drifting
    from fokker_planck.process import Overdamped as Overdamped
    from fokker_planck.quantity import Quantity as Quantity
    from fokker_planck.sets import Ball as Ball
    from fokker_planck.sets import Ellipsoid as Ellipsoid
    from fokker_planck.sets import HalfSpace as HalfSpace
    from fokker_planck.sets import Region as Region
    from fokker_planck.sgd_study import NoiseStudy as NoiseStudy
    from fokker_planck.sgd_study import noise_study as noise_study
    from fokker_planck.state_diffusion import Formula as Formula
    from fokker_planck.state_diffusion import Quadratic as Quadratic
    from fokker_planck.state_diffusion import Sampled as Sampled

__version__ = "0.1.0"

_HOME = {
    "Ball": "sets",
    "BarrierTooHighError": "errors",
    "Box": "domain",
    "Constant": "diffusion",
    "ConvergenceError": "errors",
    "Drift": "drift",
    "Drifting": "process",
    "Ellipsoid": "sets",
    "FokkerPlanckError": "errors",
    "Formula": "state_diffusion",
    "HalfSpace": "sets",
    "Hessian": "hessian_diffusion",
    "Isotropic": "diffusion",
    "MeshFile": "domain",
    "MeshFileError": "errors",
    "MissingPackageError": "errors",
    "NoiseStudy": "sgd_study",
    "Overdamped": "process",
    "Potential": "potential",
    "Problem": "problem",
    "ProblemError": "errors",
    "Quadratic": "state_diffusion",
    "Quantity": "quantity",
    "Region": "sets",
    "Resolution": "problem",
    "Sampled": "state_diffusion",
    "Sublevel": "domain",
    "committor": "answers",
    "energy_landscape": "answers",
    "eyring_kramers": "answers",
    "is_reversible": "answers",
    "load_problem": "problem_file",
    "mean_exit_time": "answers",
    "named": "gallery",
    "noise_study": "sgd_study",
    "plot_committor": "committor_plot",
    "plot_density": "plotting",
    "rates": "answers",
    "save": "io",
    "spectrum": "answers",
    "stationary_density": "answers",
}
_NAME_THERE = {"energy_landscape": "landscape"}  # the module `landscape` owns that name in the package

_MODULES = ("sgd",)

__all__ = sorted(["__version__", *_HOME, *_MODULES])


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{home}"), _NAME_THERE.get(name, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
