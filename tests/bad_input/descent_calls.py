"""Gradient descent that is none: (call, key that is named, part of what was found, part of what is wanted)."""

import numpy as np

import fokker_planck as fp
from fokker_planck import sgd
from fokker_planck.model.domains.box import Box
from fokker_planck.model.sets.shapes import Ball, HalfSpace

PAIR = sgd.SampleLosses(["(x - 1)**2/2", "(x + 1)**2/2"])
WALK = sgd.Recursion(PAIR, 0.1, 1)
QUARTIC = fp.Potential("(x**2 - 1)**2/4")
BROWN = fp.Overdamped(QUARTIC, fp.Isotropic(0.1))
BEYOND = HalfSpace([1.0], 0.0)
BALL = sgd.Momentum(0.1, 0.5)
INTERVAL = Box([-2.0], [2.0])
DESCENT = {
    "momentum of one": (lambda: sgd.Momentum(0.1, 1.0), "diffusion.momentum", "", ""),
    "momentum below zero": (lambda: sgd.Momentum(0.1, -0.1), "diffusion.momentum", "", ""),
    "learning rate of nothing": (lambda: sgd.Momentum(0.0, 0.5), "diffusion.learning_rate", "", ""),
    "batch of more than all": (
        lambda: sgd.Momentum(0.1, 0.5, batch_size=5, samples=4), "diffusion.batch_size", "", ""),
    "step of a heavy ball": (lambda: sgd.heavy_ball(2.0, 0.6), "step", "", ""),
    "losses of one formula": (lambda: sgd.MomentumRecursion("x**2", 0.1, 0.5, 1), "losses", "", ""),
    "negative curvature": (lambda: sgd.stationary_covariance(BALL, -1.0, 1.0), "hessian", "", ""),
    "covariance of another size": (
        lambda: sgd.stationary_covariance(BALL, np.eye(2), np.eye(3)), "covariance", "", ""),
    "losses as a list": (lambda: sgd.Recursion(["x**2", "x"], 0.1, 1), "losses", "", ""),
    "batch of three in two": (lambda: sgd.Recursion(PAIR, 0.1, 3), "diffusion.batch_size", "", ""),
    "start of a text": (lambda: sgd.first_passage(WALK, "x", BEYOND), "start", "", ""),
    "starts of another number": (lambda: sgd.first_passage(WALK, np.zeros((1, 3)), BEYOND, 5), "start", "", ""),
    "target of a name": (lambda: sgd.first_passage(WALK, -1.0, "B"), "target", "", ""),
    "target of numbers": (lambda: sgd.first_passage(WALK, -1.0, lambda x: x[0]), "target", "", ""),
    "one replica": (lambda: sgd.first_passage(WALK, -1.0, BEYOND, 1), "replicas", "", ""),
    "step of nothing": (lambda: sgd.EulerMaruyama(BROWN, 0.0), "step", "", ""),
    "simulation in a ball": (lambda: sgd.EulerMaruyama(BROWN, 0.1, Ball([0.0], 1.0)), "domain", "", ""),
    "simulation in another dimension": (
        lambda: sgd.EulerMaruyama(fp.Overdamped(fp.Potential("x*y"), fp.Isotropic(1.0)), 0.1, INTERVAL), "domain",
        "", ""),
    "simulation from its target": (lambda: sgd.simulated_exit_time(BROWN, 1.0, BEYOND, 0.1), "start", "", ""),
    "simulation of a potential": (lambda: sgd.simulated_exit_time(QUARTIC, -1.0, BEYOND, 0.1), "process", "", ""),
    "simulation to a function": (
        lambda: sgd.simulated_exit_time(BROWN, -1.0, lambda x: x > 0, 0.1), "target", "", ""),
    "study without momenta": (
        lambda: fp.momentum_study("x**2", INTERVAL, [], [0.1], [1], 1.0), "momenta", "", ""),
    "study of momentum one": (
        lambda: fp.momentum_study("x**2", INTERVAL, [1.0], [0.1], [1], 1.0), "diffusion.momentum", "", ""),
    "study without variance": (
        lambda: fp.momentum_study("x**2", INTERVAL, [0.5], [0.1], [1], 0.0), "diffusion.variance", "", ""),
}  # fmt: skip

PLANE_HESSIANS = np.array([[[2.0, 0.3], [0.3, 1.0]], [[1.0, -0.2], [-0.2, 3.0]]])
STABILITY = {
    "stability of a saddle": (lambda: sgd.stability([-1.0, 0.5]), "hessians", "", "a minimum"),
    "stability where only the mean is flat": (lambda: sgd.stability([-1.0, 1.0]), "hessians", "", "a minimum"),
    "stability of one sample": (lambda: sgd.stability([1.0]), "hessians", "", ""),
    "stability without symmetry": (
        lambda: sgd.stability([[[1.0, 1.0], [0.0, 1.0]]] * 2), "hessians", "not symmetric", ""),
    "stability of infinite curvature": (lambda: sgd.stability([1.0, np.inf]), "hessians", "not finite", ""),
    "stability of ragged lists": (lambda: sgd.stability([[1.0], [1.0, 2.0]]), "hessians", "", ""),
    "stability of a batch of three in two": (lambda: sgd.stability([1.0, 2.0], 3), "batch_size", "", ""),
    "map with a rate of nothing": (
        lambda: sgd.stability_map([1.0, 2.0], [0.1, 0.0], [1]), "learning_rates[1]", "", ""),
    "least batch of a negative rate": (lambda: sgd.least_batch_size([1.0, 2.0], -1.0), "learning_rate", "", ""),
    "almost sure threshold in the plane": (
        lambda: sgd.almost_sure_threshold(PLANE_HESSIANS), "hessians", "", "one-dimensional"),
    "almost sure threshold of too many batches": (
        lambda: sgd.almost_sure_threshold(np.ones(60), 30), "batch_size", "batches", ""),
}  # fmt: skip

LOSS, RIGHT = "(x**2 - 1)**2*(1 + 0.4*x)/4", HalfSpace([1.0], 1.0)


def study(rates=(0.1,), sizes=(1,), loss=LOSS, **options):
    return fp.noise_study(loss, INTERVAL, list(rates), sizes if isinstance(sizes, int) else list(sizes), **options)


STUDIES = {
    "study of an unknown question": (lambda: study(epsilon=1.0, questions=["gap"]), "questions*", "", ""),
    "study of a start alone": (lambda: study(epsilon=1.0, start=0.0), "exit.target", "", ""),
    "study of a target alone": (lambda: study(epsilon=1.0, target=RIGHT), "exit.start", "", ""),
    "study without rates": (lambda: study(rates=(), epsilon=1.0), "learning_rates", "", ""),
    "study of a size for a list": (lambda: study(sizes=4, epsilon=1.0), "batch_sizes", "", ""),
    "study of half a sample": (lambda: study(sizes=(0.5,), epsilon=1.0), "diffusion.batch_size", "", ""),
    "study without noise": (lambda: study(), "diffusion.epsilon", "", ""),
    "study of one well": (
        lambda: study(loss="x**2", epsilon=1.0, questions=["stationary"]).occupation_ratios(), "wells", "", ""),
}  # fmt: skip

NOISE = {
    "rate of nothing": (lambda: sgd.Learning(0.0, 1), "diffusion.learning_rate", "", ""),
    "rate of a text": (lambda: sgd.Learning("0.1", 1), "diffusion.learning_rate", "", ""),
    "batch of nothing": (lambda: sgd.Learning(0.1, 0), "diffusion.batch_size", "", ""),
    "batch of no whole number": (lambda: sgd.Learning(0.1, 1.5), "diffusion.batch_size", "", ""),
    "batch of more than there are": (lambda: sgd.Learning(0.1, 5, 4), "diffusion.batch_size", "", ""),
    "one sample in all": (lambda: sgd.Learning(0.1, 1, 1), "diffusion.samples", "", ""),
    "batch of all": (
        lambda: sgd.diffusion_of(0.1, 4, samples=4, epsilon=1.0), "diffusion.batch_size", "", "no noise"),
    "unknown covariance": (lambda: sgd.diffusion_of(0.1, 4, "hesian"), "diffusion.covariance", "hessian", ""),
    "no variance": (lambda: sgd.diffusion_of(0.1, 4), "diffusion.epsilon", "nothing", ""),
    "two variances": (lambda: sgd.diffusion_of(0.1, 4, epsilon=1.0, variance=1.0), "diffusion.variance", "", ""),
    "a negative scale": (lambda: sgd.diffusion_of(0.1, 4, "hessian", scale=-1.0), "diffusion.scale", "", ""),
    "a key of another covariance": (
        lambda: sgd.diffusion_of(0.1, 4, "hessian", epsilon=1.0), "diffusion.epsilon", "unknown", ""),
    "a key beside a function": (lambda: sgd.diffusion_of(0.1, 4, lambda x: x, scale=1.0), "diffusion.scale", "", ""),
    "no curvature": (lambda: sgd.diffusion_of(0.1, 4, "quadratic", offset=1.0), "diffusion.curvature", "", ""),
    "a text for a number": (
        lambda: sgd.diffusion_of(0.1, 4, "quadratic", offset="1", curvature=1.0), "diffusion.offset", "", ""),
    "covariance of a number": (lambda: sgd.diffusion_of(0.1, 4, 3.0), "diffusion.covariance", "", ""),
    "one loss": (lambda: sgd.SampleLosses(["x**2"]), "losses", "", ""),
    "a formula for a list": (lambda: sgd.SampleLosses("x**2"), "losses", "", ""),
    "a parameter of no loss": (lambda: sgd.SampleLosses(["x", "-x"], {"k": 1.0}), "losses.parameters.k", "", ""),
    "no data": (lambda: sgd.DataLosses("x**2", {}), "losses.data", "", ""),
    "data of two lengths": (
        lambda: sgd.DataLosses("x*u*v", {"u": [1, 2], "v": [1, 2, 3]}), "losses.data*", "", ""),
    "data named x": (lambda: sgd.DataLosses("x**2", {"x": [1, 2]}), "losses.*", "", ""),
    "data without numbers": (lambda: sgd.DataLosses("x*u", {"u": ["a", "b"]}), "losses.data.u", "", ""),
    "data that are not finite": (lambda: sgd.DataLosses("x*u", {"u": [1.0, np.nan]}), "losses.data.u", "", ""),
}  # fmt: skip

KINDS = (DESCENT, STABILITY, STUDIES, NOISE)
CALLS = {name: case for kind in KINDS for name, case in kind.items()}
assert len(CALLS) == sum(map(len, KINDS)), "two cases of one name"
