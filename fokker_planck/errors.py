"""What can go wrong: every error names what was found and what to do about it, in one line."""

from __future__ import annotations

LONGEST_FOUND = 120
"""Characters of a wrong value that are shown: a line of a terminal, enough to know it again."""


class FokkerPlanckError(Exception):
    """Any error that this library raises on purpose."""


class ProblemError(FokkerPlanckError, ValueError):
    """Bad input: ``key`` names the entry, ``found`` what it holds, ``wanted`` what it must be.

    A string ``found`` is shown as it stands, anything else by its repr.

    Parameters
    ----------
    key
        of the problem file, or the name of the argument
    found
        what it holds
    wanted
        what it must be

    Examples
    --------
    >>> print(ProblemError("diffusion.epsilon", -0.5, "a positive number"))
    diffusion.epsilon: found -0.5; wanted a positive number
    """

    def __init__(self, key: str, found: object, wanted: str) -> None:
        super().__init__(key, found, wanted)
        self.key = key
        self.found = found
        self.wanted = wanted

    def __str__(self) -> str:
        return f"{one_line(self.key)}: found {shown(self.found)}; wanted {one_line(self.wanted)}"


class MeshFileError(ProblemError):
    """A mesh file that cannot be read, or that does not hold a usable mesh.

    Parameters
    ----------
    key, found, wanted
        as of a ``ProblemError``
    """


class UnknownKeyError(ProblemError):
    """An entry that nothing reads, whatever its value: a slip of the pen.

    Parameters
    ----------
    key, found, wanted
        as of a ``ProblemError``
    """


class ConvergenceError(FokkerPlanckError, ArithmeticError):
    """A computation that failed: ``reason`` says how, ``remedy`` what would help.

    Parameters
    ----------
    reason
        how it failed
    remedy
        what would help

    Examples
    --------
    >>> print(ConvergenceError("Newton stopped after 50 steps", "start nearer to the saddle"))
    Newton stopped after 50 steps; start nearer to the saddle
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{one_line(self.reason)}; {one_line(self.remedy)}"


class BarrierTooHighError(ConvergenceError):
    """A barrier so many units of epsilon high that double precision cannot hold the answer.

    Parameters
    ----------
    reason, remedy
        as of a ``ConvergenceError``
    """


class MissingPackageError(FokkerPlanckError, ImportError):
    """An optional package is not installed; ``extra`` is the extra of this distribution that brings it.

    Parameters
    ----------
    package
        the name under which it is imported
    extra
        of this distribution, which brings it

    Examples
    --------
    >>> print(MissingPackageError("jax", "jax"))
    the package jax is needed here: pip install "fokker-planck-fem[jax]"
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra)
        self.package = package
        self.extra = extra

    def __str__(self) -> str:
        return f'the package {self.package} is needed here: pip install "fokker-planck-fem[{self.extra}]"'


def shown(found: object, longest: int = LONGEST_FOUND) -> str:
    """``found`` on one line of at most ``longest`` characters.

    >>> shown("two" + chr(10) + "lines"), shown(""), shown([1, 2])
    ('two lines', "''", '[1, 2]')
    """
    if isinstance(found, str):
        text = one_line(found[: 4 * longest]) or repr(found[:longest])
    else:
        text = one_line(_representation(found))
    return text if len(text) <= longest else text[: longest - 3] + "..."


def one_line(text: str) -> str:
    """``text`` with white space squeezed and everything that a terminal could act on escaped."""
    squeezed = " ".join(str(text).split())
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in squeezed)


def _representation(found: object) -> str:
    # numpy prints np.float64(0.5) and array([...]); a user wrote 0.5 and [...]
    small = getattr(found, "size", 0) <= LONGEST_FOUND if hasattr(found, "tolist") else False
    try:
        return repr(found.tolist() if small else found)  # type: ignore[attr-defined]
    except Exception:
        return f"an object of type {type(found).__name__}"
