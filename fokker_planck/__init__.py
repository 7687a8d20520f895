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
    from fokker_planck.cli.problem_file import load_problem as load_problem
    from fokker_planck.cli.sweeps.result import Sweep as Sweep
    from fokker_planck.cli.sweeps.result import load_sweep as load_sweep
    from fokker_planck.cli.sweeps.run import sweep as sweep
    from fokker_planck.errors import BarrierTooHighError as BarrierTooHighError
    from fokker_planck.errors import ConvergenceError as ConvergenceError
    from fokker_planck.errors import FokkerPlanckError as FokkerPlanckError
    from fokker_planck.errors import MeshFileError as MeshFileError
    from fokker_planck.errors import MissingPackageError as MissingPackageError
    from fokker_planck.errors import ProblemError as ProblemError
    from fokker_planck.fem.dolfinx_domain import DolfinxMesh as DolfinxMesh
    from fokker_planck.fem.fields.field import Field as Field
    from fokker_planck.landscape.types import CriticalPoint as CriticalPoint
    from fokker_planck.landscape.types import Landscape as Landscape
    from fokker_planck.landscape.types import Saddle as Saddle
    from fokker_planck.model.diffusion.constant import Constant as Constant
    from fokker_planck.model.diffusion.constant import Diffusion as Diffusion
    from fokker_planck.model.diffusion.constant import Isotropic as Isotropic
    from fokker_planck.model.diffusion.hessian import Hessian as Hessian
    from fokker_planck.model.diffusion.quadratic import Quadratic as Quadratic
    from fokker_planck.model.diffusion.state_dependent import Formula as Formula
    from fokker_planck.model.diffusion.state_dependent import Sampled as Sampled
    from fokker_planck.model.domains.box import Box as Box
    from fokker_planck.model.domains.domain import Domain as Domain
    from fokker_planck.model.domains.meshes import MeshFile as MeshFile
    from fokker_planck.model.domains.sublevel import Sublevel as Sublevel
    from fokker_planck.model.drift import Drift as Drift
    from fokker_planck.model.gallery.registry import named as named
    from fokker_planck.model.potential import Potential as Potential
    from fokker_planck.model.problem import Problem as Problem
    from fokker_planck.model.problem import Resolution as Resolution
    from fokker_planck.model.process import Drifting as Drifting
    from fokker_planck.model.process import Overdamped as Overdamped
    from fokker_planck.model.process import Process as Process
    from fokker_planck.model.schedule import Schedule as Schedule
    from fokker_planck.model.sets.shapes import Ball as Ball
    from fokker_planck.model.sets.shapes import Ellipsoid as Ellipsoid
    from fokker_planck.model.sets.shapes import HalfSpace as HalfSpace
    from fokker_planck.model.sets.shapes import Region as Region
    from fokker_planck.model.sets.shapes import Set as Set
    from fokker_planck.model.smoluchowski import Smoluchowski as Smoluchowski
    from fokker_planck.model.underdamped import Underdamped as Underdamped
    from fokker_planck.output.plots.committor import plot_committor as plot_committor
    from fokker_planck.output.plots.density import plot_density as plot_density
    from fokker_planck.output.plots.evolution import film as film
    from fokker_planck.quantity import Quantity as Quantity
    from fokker_planck.quantity.units import Units as Units
    from fokker_planck.questions.committor import committor as committor
    from fokker_planck.questions.correlation import correlation as correlation
    from fokker_planck.questions.detailed_balance import is_reversible as is_reversible
    from fokker_planck.questions.evolve import evolve as evolve
    from fokker_planck.questions.exit_law import exit_law as exit_law
    from fokker_planck.questions.exit_place import exit_place as exit_place
    from fokker_planck.questions.exit_time import mean_exit_time as mean_exit_time
    from fokker_planck.questions.eyring_kramers import eyring_kramers as eyring_kramers
    from fokker_planck.questions.keeping.loading import SavedResult as SavedResult
    from fokker_planck.questions.keeping.loading import load as load
    from fokker_planck.questions.keeping.result_folder import save as save
    from fokker_planck.questions.landscape import energy_landscape as energy_landscape
    from fokker_planck.questions.paths import MostProbablePaths as MostProbablePaths
    from fokker_planck.questions.paths import most_probable_paths as most_probable_paths
    from fokker_planck.questions.periodic import periodic_state as periodic_state
    from fokker_planck.questions.rates import WellRates as WellRates
    from fokker_planck.questions.rates import rates as rates
    from fokker_planck.questions.spectrum import spectrum as spectrum
    from fokker_planck.questions.stationary import stationary_density as stationary_density
    from fokker_planck.questions.studies.bootstrap import Bootstrap as Bootstrap
    from fokker_planck.questions.studies.bootstrap import bootstrap as bootstrap
    from fokker_planck.questions.studies.momentum_study import MomentumStudy as MomentumStudy
    from fokker_planck.questions.studies.momentum_study import momentum_study as momentum_study
    from fokker_planck.questions.studies.noise_study import NoiseStudy as NoiseStudy
    from fokker_planck.questions.studies.noise_study import noise_study as noise_study
    from fokker_planck.questions.transport import effective_transport as effective_transport
    from fokker_planck.solvers.results.in_time import Correlation as Correlation
    from fokker_planck.solvers.results.in_time import Estimate as Estimate
    from fokker_planck.solvers.results.in_time import ExitLaw as ExitLaw
    from fokker_planck.solvers.results.in_time import Transport as Transport
    from fokker_planck.solvers.results.of_place import ExitPlace as ExitPlace
    from fokker_planck.solvers.results.steady import Committor as Committor
    from fokker_planck.solvers.results.steady import Eigenvalue as Eigenvalue
    from fokker_planck.solvers.results.steady import ExitTime as ExitTime
    from fokker_planck.solvers.results.steady import Spectrum as Spectrum
    from fokker_planck.solvers.results.steady import Stationary as Stationary
    from fokker_planck.solvers.results.steady import Statistics as Statistics
    from fokker_planck.solvers.results.steady import WellWeight as WellWeight
    from fokker_planck.solvers.time.driven.periodic_results import PeriodicState as PeriodicState
    from fokker_planck.solvers.time.evolving.evolution_results import Evolution as Evolution

__version__ = "0.1.0"

_HOME = {
    "Ball": "model.sets.shapes",
    "BarrierTooHighError": "errors",
    "Bootstrap": "questions.studies.bootstrap",
    "Box": "model.domains.box",
    "Committor": "solvers.results.steady",
    "Constant": "model.diffusion.constant",
    "ConvergenceError": "errors",
    "Correlation": "solvers.results.in_time",
    "CriticalPoint": "landscape.types",
    "Diffusion": "model.diffusion.constant",
    "DolfinxMesh": "fem.dolfinx_domain",
    "Domain": "model.domains.domain",
    "Drift": "model.drift",
    "Drifting": "model.process",
    "Eigenvalue": "solvers.results.steady",
    "Ellipsoid": "model.sets.shapes",
    "Estimate": "solvers.results.in_time",
    "Evolution": "solvers.time.evolving.evolution_results",
    "ExitLaw": "solvers.results.in_time",
    "ExitPlace": "solvers.results.of_place",
    "ExitTime": "solvers.results.steady",
    "Field": "fem.fields.field",
    "FokkerPlanckError": "errors",
    "Formula": "model.diffusion.state_dependent",
    "HalfSpace": "model.sets.shapes",
    "Hessian": "model.diffusion.hessian",
    "Isotropic": "model.diffusion.constant",
    "Landscape": "landscape.types",
    "MeshFile": "model.domains.meshes",
    "MeshFileError": "errors",
    "MissingPackageError": "errors",
    "MomentumStudy": "questions.studies.momentum_study",
    "MostProbablePaths": "questions.paths",
    "NoiseStudy": "questions.studies.noise_study",
    "Overdamped": "model.process",
    "Underdamped": "model.underdamped",
    "PeriodicState": "solvers.time.driven.periodic_results",
    "Potential": "model.potential",
    "Problem": "model.problem",
    "ProblemError": "errors",
    "Process": "model.process",
    "Quadratic": "model.diffusion.quadratic",
    "Quantity": "quantity",
    "Region": "model.sets.shapes",
    "Resolution": "model.problem",
    "Saddle": "landscape.types",
    "SavedResult": "questions.keeping.loading",
    "Sampled": "model.diffusion.state_dependent",
    "Schedule": "model.schedule",
    "Set": "model.sets.shapes",
    "Smoluchowski": "model.smoluchowski",
    "Spectrum": "solvers.results.steady",
    "Stationary": "solvers.results.steady",
    "Statistics": "solvers.results.steady",
    "Sublevel": "model.domains.sublevel",
    "Sweep": "cli.sweeps.result",
    "Transport": "solvers.results.in_time",
    "Units": "quantity.units",
    "WellRates": "questions.rates",
    "WellWeight": "solvers.results.steady",
    "bootstrap": "questions.studies.bootstrap",
    "committor": "questions.committor",
    "correlation": "questions.correlation",
    "effective_transport": "questions.transport",
    "energy_landscape": "questions.landscape",
    "eyring_kramers": "questions.eyring_kramers",
    "is_reversible": "questions.detailed_balance",
    "load": "questions.keeping.loading",
    "load_problem": "cli.problem_file",
    "load_sweep": "cli.sweeps.result",
    "evolve": "questions.evolve",
    "exit_law": "questions.exit_law",
    "exit_place": "questions.exit_place",
    "film": "output.plots.evolution",
    "mean_exit_time": "questions.exit_time",
    "momentum_study": "questions.studies.momentum_study",
    "most_probable_paths": "questions.paths",
    "named": "model.gallery.registry",
    "noise_study": "questions.studies.noise_study",
    "periodic_state": "questions.periodic",
    "plot_committor": "output.plots.committor",
    "plot_density": "output.plots.density",
    "rates": "questions.rates",
    "save": "questions.keeping.result_folder",
    "spectrum": "questions.spectrum",
    "stationary_density": "questions.stationary",
    "sweep": "cli.sweeps.run",
}

_MODULES = ("sgd",)

__all__ = sorted(["__version__", *_HOME, *_MODULES])


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names, and what Python itself asks a module for."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
