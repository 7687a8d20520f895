"""Random problems as the tables of a problem file: potentials, noise, domains, sets and questions of every kind.

The kinds are those that a problem file accepts; the numbers are drawn so that what is asked makes sense (a start
outside of the target, barriers between 2 and 400 units of epsilon), not so that it is easy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from validation.campaign.random_noise import AXES, KINDS, PERIODIC, extra_drift, noise, whole_drift, written

Floats = NDArray[np.float64]
Tables = dict[str, Any]
KINDS_OF_POTENTIAL = ("double well", "polynomial", "gaussians", "waves", "periodic", "kinks", "jump")
DRIFTS = ("none", "none", "none", "none", "extra", "whole")
DOMAINS = ("box", "box", "ball", "sublevel", "mesh")
QUESTIONS = ("exit", "exit", "spectrum", "stationary", "committor", "rates")
SHARES = (0.45, 0.45, 0.10)  # of problems in one, two and three dimensions: what is exact first, what is slow least
IN_TIME = 1000  # the first seed of campaigns that ask about time
WITH_DRIFT = ("double well", "polynomial", "gaussians", "waves", "periodic")
PERIOD = 4.0
LARGEST_BARRIER = {1: 400.0, 2: 120.0, 3: 15.0}
FEWEST_PLACES = 40  # of 4000, in a sublevel set: with fewer the sample misses it, and sets would lie beside it
TOLERANCES = {1: (1e-3, 1e-10), 2: (1e-2, 1e-7), 3: (3e-2, 1e-2)}


@dataclass(frozen=True)
class RandomProblem:
    """``tables`` of a problem file, the ``question``, and what the reference on a line must know.

    ``breaks`` are the places on a line where a coefficient kinks or jumps, with the jumps of V there.
    """

    number: int
    question: str
    tables: Tables
    breaks: tuple[float, ...] = ()
    jumps_of_potential: tuple[float, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return int(self.tables["title"].split("-D")[0])


def random_problem(seed: int, number: int) -> RandomProblem:
    """The problem with that number of the campaign with that seed, the same each time.

    Campaigns with seeds from ``IN_TIME`` on are about time.
    """
    if seed < IN_TIME:
        return _without_time(seed, number)
    from validation.campaign.in_time import in_time

    return in_time(_without_time(seed, number), seed)


def _without_time(seed: int, number: int) -> RandomProblem:
    rng = np.random.default_rng([seed, number])
    dimension = int(rng.choice([1, 2, 3], p=SHARES))
    kind = str(rng.choice(KINDS_OF_POTENTIAL if dimension < 3 else KINDS_OF_POTENTIAL[:5]))
    potential, height, breaks, jumps = _potential(rng, kind, dimension)
    barrier = float(np.exp(rng.uniform(np.log(2.0), np.log(LARGEST_BARRIER[dimension]))))
    kinds = PERIODIC if kind == "periodic" else KINDS if dimension < 3 else KINDS[:-1]
    noise_kind = str(rng.choice(kinds))
    if kind == "jump" and dimension > 1:
        noise_kind = "isotropic"  # a V that jumps is refused on purpose where there is no detailed balance
    waves = 2.0 * np.pi / PERIOD if kind == "periodic" else 0.0
    diffusion, more = noise(rng, noise_kind, dimension, height / barrier, waves)
    breaks = (*breaks, *more)
    jumps = (*jumps, *(0.0 for _ in more))
    drift = str(rng.choice(DRIFTS)) if kind in WITH_DRIFT and noise_kind != "jump" else "none"
    if drift == "whole" and "hessian" in (noise_kind, diffusion.get("covariance")):
        drift = "extra"
    domain = _domain(rng, dimension, kind, drift)
    coarsest, finest = TOLERANCES[dimension]
    tolerance = float(f"{np.exp(rng.uniform(np.log(finest), np.log(coarsest))):.1e}")
    tables: Tables = {
        "title": "",
        "potential": {"expression": potential},
        "diffusion": diffusion,
        "domain": domain,
        "discretization": {"tolerance": tolerance},
    }
    question = str(rng.choice(QUESTIONS))
    if kind == "jump" and question in ("stationary", "rates"):
        question = "exit"  # the limit in docs/accuracy.md: wells are cut along the flow, which does not see a jump of V
    _sets(rng, tables, dimension, question)
    tables["title"] = f"{dimension}-D {kind}, {noise_kind} noise, drift {drift}, {domain['kind']}"
    if drift != "none":
        extra = extra_drift(rng, dimension, 0.3 * height, waves)
        tables["drift"] = {"extra": extra}
        if drift == "whole":
            tables["drift"] = {"expression": whole_drift(potential, extra)}
            del tables["potential"]
    tags = (kind, noise_kind, domain["kind"], diffusion.get("interpretation", "ito"), drift)
    return RandomProblem(number, question, tables, breaks, jumps, tags)


def _potential(rng: Generator, kind: str, dimension: int) -> tuple[str, float, tuple[float, ...], tuple[float, ...]]:
    """V, about how high its barriers are, and on a line its breaks with the jumps there."""
    u = rng.uniform
    across = " + ".join(f"{written(np.exp(u(-1, 1.2)))}*{axis}**2/2" for axis in AXES[1:dimension])
    across = f" + {across}" if across else ""
    if dimension > 1 and u() < 0.4:
        across += f" + {written(u(-0.3, 0.3))}*x*y"
    height = float(np.exp(u(-0.7, 0.7)))
    well = f"{written(height)}*(x**2 - 1)**2*(1 + {written(u(-0.4, 0.4))}*x) + {written(height * u(-0.3, 0.3))}*x"
    if kind == "double well":
        return well + across, height, (), ()
    if kind == "polynomial":
        terms = [f"{written(u(-0.5, 0.5))}*{axis}**{power}" for axis in AXES[:dimension] for power in (1, 3)]
        bowl = [f"0.25*{axis}**4 - {written(u(0.0, 1.0))}*{axis}**2" for axis in AXES[:dimension]]
        return " + ".join([*bowl, *terms]), 0.3, (), ()
    if kind == "gaussians":
        bumps = []
        for _ in range(int(rng.integers(2, 5))):
            width = written(u(0.25, 0.6))
            parts = [f"(({axis} - {written(u(-1.3, 1.3))})/{width})**2" for axis in AXES[:dimension]]
            bumps.append(f"{written(u(0.4, 1.2))}*exp(-0.5*({' + '.join(parts)}))")
        bowl = " + ".join(f"0.15*{axis}**2" for axis in AXES[:dimension])
        return f"{bowl} - {' - '.join(bumps)}", 0.5, (), ()
    if kind == "waves":
        waves = [
            f"{written(u(0.2, 0.5))}*cos({written(u(2.0, 5.0))}*{axis} + {written(u(0, 6))})"
            for axis in AXES[:dimension]
        ]
        bowl = " + ".join(f"0.3*{axis}**2" for axis in AXES[:dimension])
        return f"{bowl} + {' + '.join(waves)}", 0.5, (), ()
    if kind == "periodic":
        once, twice = repr(2.0 * np.pi / PERIOD), repr(4.0 * np.pi / PERIOD)
        waves = [
            f"{written(u(0.3, 0.7))}*cos({once}*{a} + {written(u(0, 6))}) + {written(u(0.1, 0.5))}*cos({twice}*{a})"
            for a in AXES[:dimension]
        ]
        return " + ".join(waves), 1.0, (), ()
    place = float(f"{u(-0.8, 0.8):.4g}")
    if kind == "kinks":
        form = str(rng.choice(["abs", "max", "min"]))
        tent = {
            "abs": f"abs(x - {place!r})",
            "max": f"max(x - {place!r}, 0.0)",
            "min": f"min(2*(x - {place!r}), x - {place!r})",
        }[form]
        return f"{well} + {written(height * u(-0.8, 0.8))}*{tent}{across}", height, (place,), (0.0,)
    jump = float(f"{height * u(-0.4, 0.4):.4g}")
    return f"{well} + ({jump!r})*heaviside(x - ({place!r})){across}", height, (place,), (jump,)


def _domain(rng: Generator, dimension: int, kind: str, drift: str) -> Tables:
    if kind == "periodic":
        return _ring(rng, dimension)
    form = str(rng.choice(DOMAINS))
    if form == "sublevel" and (kind in ("jump", "kinks", "waves") or drift == "whole"):
        form = "ball"  # a level set with corners, or in several parts, is refused on purpose; no V, no level
    if form == "mesh" and dimension == 3:
        form = "box"
    size = float(f"{rng.uniform(1.6, 2.6):.3g}")
    if form == "ball":
        return {"kind": "ball", "center": rng.uniform(-0.2, 0.2, dimension).round(3).tolist(), "radius": size}
    if form == "sublevel":
        # the level is set when the potential is known, see `_level`
        return {"kind": "sublevel", "lower": [-2.3] * dimension, "upper": [2.3] * dimension}
    sizes = rng.uniform(1.5, 2.5, (2, dimension)).round(2)
    return {"kind": form, "lower": (-sizes[0]).tolist(), "upper": sizes[1].tolist()}


def _ring(rng: Generator, dimension: int) -> Tables:
    """A box of which the first axis, and perhaps others, is periodic; from anywhere."""
    lower = rng.uniform(-2.5, -1.5, dimension).round(2)
    boundary = ["periodic", *(str(rng.choice(["periodic", "reflecting"])) for _ in range(dimension - 1))]
    size = [PERIOD if kind == "periodic" else float(f"{rng.uniform(2.0, 3.5):.3g}") for kind in boundary]
    return {"kind": "box", "lower": lower.tolist(), "upper": (lower + size).tolist(), "boundary": boundary}


def _sets(rng: Generator, tables: Tables, dimension: int, question: str) -> None:
    """The sets of the question, around low points of the potential, and the level of a sublevel domain."""
    from fokker_planck.model.potential import Potential

    potential = Potential(tables["potential"]["expression"])
    domain = tables["domain"]
    reach = domain.get("radius", 1.7) / (np.sqrt(dimension) if domain["kind"] == "ball" else 1.0)
    places = rng.uniform(-0.8, 0.8, (dimension, 4000)) * reach
    if "boundary" in domain:
        low, high = np.array(domain["lower"])[:, None], np.array(domain["upper"])[:, None]
        places = 0.5 * (low + high) + 0.5 * (high - low) * rng.uniform(-0.8, 0.8, (dimension, 4000))
    values = potential.value(places)
    if domain["kind"] == "sublevel":
        _set_level(rng, domain, potential, dimension)
    if domain["kind"] == "sublevel":
        # well below the level, or the lowest tenth where little of the sample lies so deep, but in the set in any case
        deep = max(0.5 * (domain["level"] + values.min()), float(np.quantile(values, 0.1)))
        inside = values < min(deep, domain["level"])
        if inside.sum() < FEWEST_PLACES:
            _box_instead(domain, dimension)
        else:
            places, values = places[:, inside], values[inside]
    low = places[:, np.argsort(values)[: max(40, len(values) // 10)]]
    start = low[:, 0]
    far = low[:, np.argmax(np.linalg.norm(low - start[:, None], axis=0))]
    distance = float(np.linalg.norm(far - start))
    radius = float(f"{min(0.3, 0.3 * distance):.3g}")
    tables["sets"] = {}
    if question == "exit" and rng.uniform() < 0.12 and "periodic" not in domain.get("boundary", ()):
        tables["exit"] = {"start": start.round(4).tolist(), "target": "boundary"}
    elif question == "exit":
        target = _target(rng, dimension, start, far, radius, distance)
        tables["sets"]["goal"] = target
        tables["exit"] = {"start": start.round(4).tolist(), "target": "goal"}
    elif question == "committor":
        for name, center in (("A", start), ("B", far)):
            form = rng.uniform()
            if name == "B" and form > 0.8 and domain["kind"] != "sublevel":
                direction = (far - start) / max(distance, 1e-9)
                offset = round(float(direction @ far) - 0.3 * radius, 4)
                tables["sets"][name] = {"halfspace": {"normal": direction.round(6).tolist(), "offset": offset}}
            elif dimension > 1 and form < 0.3:
                axes = (radius * rng.uniform(0.5, 1.0, dimension)).round(4).tolist()
                tables["sets"][name] = {"ellipsoid": {"center": center.round(4).tolist(), "semi_axes": axes}}
            else:
                tables["sets"][name] = {"ball": {"center": center.round(4).tolist(), "radius": radius}}
        tables["committor"] = {"from": "A", "to": "B"}
    elif question == "spectrum":
        tables["spectrum"] = {"count": int(rng.integers(2, 5))}


def _target(rng: Generator, dimension: int, start: Floats, far: Floats, radius: float, distance: float) -> Tables:
    direction = (far - start) / max(distance, 1e-9)
    form = str(rng.choice(["halfspace", "ball", "region", *(["ellipsoid", "corner"] if dimension > 1 else [])]))
    if form == "halfspace":
        middle = start + rng.uniform(0.4, 0.9) * (far - start)
        return {"halfspace": {"normal": direction.round(6).tolist(), "offset": round(float(direction @ middle), 4)}}
    if form == "ball":
        return {"ball": {"center": far.round(4).tolist(), "radius": radius}}
    if form == "ellipsoid":
        axes = (radius * rng.uniform(0.4, 1.0, dimension)).round(4).tolist()
        return {"ellipsoid": {"center": far.round(4).tolist(), "semi_axes": axes}}
    if form == "corner":
        # the end of a strip: two corners, in space two edges
        aside = np.zeros(dimension)
        aside[:2] = -direction[1], direction[0]
        ahead, beside = (_affine(n, far) for n in (direction, aside))
        return {"region": f"min({ahead} + {0.5 * radius:.4g}, {radius:.4g} - abs({beside}))"}
    if dimension == 1:
        where = float(start[0] + 0.7 * (far[0] - start[0]))
        sign = "" if far[0] > start[0] else "-"
        return {"region": f"{sign}(exp(x) - exp({where:.5g}))"}
    parts = " + ".join(f"({axis} - ({c:.4g}))**2" for axis, c in zip(AXES, far, strict=False))
    return {"region": f"exp({radius**2:.4g}) - exp({parts})"}


def _affine(normal: Floats, point: Floats) -> str:
    """normal . (x - point)."""
    return " + ".join(f"({n:.6g})*({a} - ({p:.4g}))" for n, a, p in zip(normal, AXES, point, strict=False))


def _set_level(rng: Generator, domain: Tables, potential: Any, dimension: int) -> None:
    """A level at which the set is in one part; a box instead of a sublevel set where there is none."""
    from fokker_planck.errors import ProblemError
    from fokker_planck.model.domains.connected_part import connected_part
    from fokker_planck.model.domains.sublevel import Sublevel

    level, highest = _levels(rng, potential, dimension)
    for share in (0.0, 0.3, 0.6, 0.95):
        domain["level"] = float(f"{level + share * (highest - level):.5g}")
        try:
            connected_part(Sublevel(domain["level"], domain["lower"], domain["upper"]), potential)
        except ProblemError:
            continue
        return
    _box_instead(domain, dimension)


def _box_instead(domain: Tables, dimension: int) -> None:
    domain.clear()
    domain.update({"kind": "box", "lower": [-1.9] * dimension, "upper": [2.1] * dimension})


def _levels(rng: Generator, potential: Any, dimension: int) -> tuple[float, float]:
    """One above much of what lies between low points, and the least on the faces of the box to search in."""
    t = np.linspace(-1.5, 1.5, {1: 2001, 2: 81, 3: 25}[dimension])
    grid = np.stack([c.ravel() for c in np.meshgrid(*[t] * dimension, indexing="ij")])
    inner = float(np.quantile(potential.value(grid), rng.uniform(0.6, 0.95)))
    far = 2.25 * np.linspace(-1.0, 1.0, 41)
    faces = []
    for axis in range(dimension):
        for end in (-2.25, 2.25):
            rest = [far] * (dimension - 1)
            face = np.stack([c.ravel() for c in np.meshgrid(*rest, indexing="ij")]) if rest else np.zeros((0, 1))
            faces.append(np.insert(face, axis, end, axis=0))
    highest = float(min(potential.value(face).min() for face in faces))
    return min(inner, 0.8 * highest + 0.2 * float(potential.value(grid).min())), highest
