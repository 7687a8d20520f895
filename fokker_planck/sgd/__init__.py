"""Stochastic gradient descent: the process it is near, the stability of its minima, and the recursion itself.

>>> from fokker_planck import sgd
>>> sgd.Learning(learning_rate=0.5, batch_size=4).noise_scale
0.0625
"""

from fokker_planck.sgd.almost_sure import almost_sure_threshold as almost_sure_threshold
from fokker_planck.sgd.covariance import covariance_divergence as covariance_divergence
from fokker_planck.sgd.covariance import gradient_covariance as gradient_covariance
from fokker_planck.sgd.dynamical_stability import Stability as Stability
from fokker_planck.sgd.dynamical_stability import StabilityMap as StabilityMap
from fokker_planck.sgd.dynamical_stability import least_batch_size as least_batch_size
from fokker_planck.sgd.dynamical_stability import sample_hessians as sample_hessians
from fokker_planck.sgd.dynamical_stability import stability as stability
from fokker_planck.sgd.dynamical_stability import stability_map as stability_map
from fokker_planck.sgd.euler import EulerMaruyama as EulerMaruyama
from fokker_planck.sgd.learning import Learning as Learning
from fokker_planck.sgd.loss_section import Section as Section
from fokker_planck.sgd.loss_section import SectionRecursion as SectionRecursion
from fokker_planck.sgd.loss_section import section as section
from fokker_planck.sgd.losses import DataLosses as DataLosses
from fokker_planck.sgd.losses import SampleLosses as SampleLosses
from fokker_planck.sgd.many_parameters import NetworkLosses as NetworkLosses
from fokker_planck.sgd.many_parameters import jax_losses as jax_losses
from fokker_planck.sgd.many_parameters import torch_losses as torch_losses
from fokker_planck.sgd.momentum import Momentum as Momentum
from fokker_planck.sgd.momentum import heavy_ball as heavy_ball
from fokker_planck.sgd.momentum_recursion import MomentumRecursion as MomentumRecursion
from fokker_planck.sgd.noise import diffusion_of as diffusion_of
from fokker_planck.sgd.noise import process as process
from fokker_planck.sgd.quadratic_momentum import kinetic_covariance as kinetic_covariance
from fokker_planck.sgd.quadratic_momentum import largest_curvature as largest_curvature
from fokker_planck.sgd.quadratic_momentum import stationary_covariance as stationary_covariance
from fokker_planck.sgd.recursion import Recursion as Recursion
from fokker_planck.sgd.replicas import FirstPassage as FirstPassage
from fokker_planck.sgd.replicas import Moments as Moments
from fokker_planck.sgd.replicas import Occupation as Occupation
from fokker_planck.sgd.replicas import first_passage as first_passage
from fokker_planck.sgd.replicas import moments as moments
from fokker_planck.sgd.replicas import occupation as occupation
from fokker_planck.sgd.schedule import schedule as schedule
from fokker_planck.sgd.simulated_exit import SimulatedExit as SimulatedExit
from fokker_planck.sgd.simulated_exit import simulated_exit_time as simulated_exit_time

__all__ = [
    "DataLosses", "EulerMaruyama", "FirstPassage", "Learning", "Moments", "Momentum", "MomentumRecursion",
    "NetworkLosses", "Occupation", "Recursion", "SampleLosses", "Section", "SectionRecursion", "SimulatedExit",
    "Stability", "StabilityMap", "almost_sure_threshold", "covariance_divergence", "diffusion_of", "first_passage",
    "gradient_covariance", "heavy_ball", "jax_losses", "kinetic_covariance", "largest_curvature", "least_batch_size",
    "moments", "occupation", "process", "sample_hessians", "schedule", "section", "simulated_exit_time",
    "stability", "stability_map", "stationary_covariance", "torch_losses",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
