"""The problem that all methods solve: dX = -grad V dt + sqrt(2 eps) dW with V = (x^2-1)^2/4 + y^2/2, as is or turned.

Reflecting walls. The barrier is 1/4, so that a barrier of B units of epsilon means eps = 1/(4 B).  Three questions:

    gap           smallest nonzero eigenvalue of -L on [-2, 2] x [-1.5, 1.5]
    exit-time     mean time from (-1, 0) to the line x = 1, on the part of the same box to the left of it
    gap-turned    the gap where the potential is turned by 30 degrees, on [-2, 2]^2

y decouples, so that the first two answers are those of the line.  In the third no mesh line, wall or axis lies along
the way over the barrier, as in a problem that somebody really has; its walls stand so high (V > 1.4) that they change
the gap by less than exp(-1.1/eps).
"""

import math

import numpy as np

QUESTIONS = ("gap", "exit-time", "gap-turned")
ANGLE = math.pi / 6
START = (-1.0, 0.0)
TARGET = 1.0
HIGHEST = 230.0


def noise(barrier: float) -> float:
    """eps of a barrier of so many units of epsilon."""
    return 1.0 / (4.0 * barrier)


def box(question: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Lower and upper corner; that of the exit time ends at the target."""
    if question == "gap-turned":
        return (-2.0, -2.0), (2.0, 2.0)
    return (-2.0, -1.5), (TARGET if question == "exit-time" else 2.0, 1.5)


def potential(question: str):
    """V as a function of two arrays."""
    if question == "gap-turned":
        cosine, sine = math.cos(ANGLE), math.sin(ANGLE)
        return lambda x, y: straight(cosine * x + sine * y, cosine * y - sine * x)
    return straight


def height(question: str, barrier: float):
    """V/eps as a function of two arrays, capped where exp(-V/eps) would leave the range of a double.

    The process never gets there, and every script with a weight exp(-V/eps) would fail without the cap.
    """
    v, eps = potential(question), noise(barrier)
    return lambda x, y: np.minimum(v(x, y) / eps, HIGHEST)


def straight(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """V along its axes."""
    return (x**2 - 1.0) ** 2 / 4.0 + y**2 / 2.0


def expression(question: str) -> str:
    """V as text."""
    if question == "gap-turned":
        c, s = repr(math.cos(ANGLE)), repr(math.sin(ANGLE))
        return f"(({c}*x + {s}*y)**2 - 1)**2/4 + ({c}*y - {s}*x)**2/2"
    return "(x**2 - 1)**2/4 + y**2/2"
