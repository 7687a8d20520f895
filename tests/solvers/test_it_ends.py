"""What cannot be computed is refused at once: the size of the work is known before it begins."""

import pytest

import fokker_planck as fp


def well(noise=0.05, **resolution):
    process = fp.Overdamped(fp.Potential("(x**2 - 1)**2/4 + y**2/2"), fp.Isotropic(noise))
    return fp.Problem(process, fp.Box([-2, -1.5], [2, 1.5]), fp.Resolution(**resolution))


@pytest.mark.slow
def test_many_eigenvalues_of_a_line_get_a_mesh_that_has_them():
    """Of the quartic well on [-2, 2], far up: eps (n pi/4)^2 + the mean of the Schroedinger potential, to O(1/n^2)."""
    line = fp.Problem(fp.Overdamped(fp.Potential("(x**2 - 1)**2/4"), fp.Isotropic(0.05)), fp.Box([-2], [2]))
    found = fp.spectrum(line, count=200).eigenvalues
    from numpy import pi
    from scipy.integrate import quad

    mean = quad(lambda x: (x**3 - x) ** 2 / 0.2 - (3 * x**2 - 1) / 2, -2, 2)[0] / 4
    # in that form a wall adds |V'|/2 times the square of the mode there, 2/4 of its mean, at each end
    mean += 2 * (6 / 2) * (2 / 4)
    for n in (150, 199):
        assert found[n].real.value == pytest.approx(0.05 * (n * pi / 4) ** 2 + mean, rel=2e-3)


def galerkin(low, high, potential, weight, eps, repulsion=None, sticky=None):
    """Eigenvalues of -L on a line by polynomials in elements, measure weight exp(-V/eps) dx and a point mass."""
    import numpy as np
    from scipy.linalg import eigh

    degree, edges = 14, np.unique(np.concatenate([np.linspace(low, sticky[0], 9), np.linspace(sticky[0], high, 17)]))
    at, by = np.polynomial.legendre.leggauss(40)
    nodes = np.cos(np.pi * np.arange(degree, -1, -1) / degree)
    inverse = np.linalg.inv(np.polynomial.legendre.legvander(nodes, degree))
    values = np.polynomial.legendre.legvander(at, degree) @ inverse
    derivative = [np.polynomial.legendre.legder(row) for row in np.eye(degree + 1)]
    slopes = np.array([np.polynomial.legendre.legval(at, row) for row in derivative]).T @ inverse
    size = (len(edges) - 1) * degree + 1
    flow, mass = np.zeros((size, size)), np.zeros((size, size))
    for e, (a, b) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        half, here = (b - a) / 2, np.arange(e * degree, (e + 1) * degree + 1)
        x = (a + b) / 2 + half * at
        w = by * half * weight(x) * np.exp(-potential(x) / eps)
        flow[np.ix_(here, here)] += eps * slopes.T @ (w[:, None] * slopes) / half**2
        mass[np.ix_(here, here)] += values.T @ (w[:, None] * values)
        if repulsion is not None:
            flow[np.ix_(here, here)] += values.T @ ((w * eps * repulsion(x))[:, None] * values)
    place = int(np.argmin(np.abs(edges - sticky[0]))) * degree
    mass[place, place] += sticky[1] * np.exp(-potential(sticky[0]) / eps)
    scale = 1.0 / np.sqrt(np.diag(mass))
    return eigh(flow * np.outer(scale, scale), mass * np.outer(scale, scale), eigvals_only=True)


@pytest.mark.slow
def test_modes_along_a_narrow_ring_leave_out_the_top_in_its_middle():
    """A sombrero with a barrier of 250: modes exp(i m phi) of the ring. Meshed up to the top it took 69 s."""
    hat = fp.Potential("(x**2 + y**2 - 1)**2/4")
    problem = fp.Problem(fp.Overdamped(hat, fp.Isotropic(0.001)), fp.Box([-2, -2], [2, 2]))
    found = [e.real for e in fp.spectrum(problem, count=4).eigenvalues[1:]]
    for quantity, m in zip(found, (1, 1, 2), strict=True):
        force = (lambda r: (r**2 - 1) ** 2 / 4, lambda r: r, 0.001, lambda r, m=m: m**2 / r**2)
        ring = galerkin(0.8, 1.2, *force, sticky=(1.0, 0.0))
        assert abs(quantity.value / ring[0] - 1) < quantity.relative_error + 1e-9


@pytest.mark.parametrize(("width", "effect"), [(1e-7, 3e-6), (1e-8, 3e-7)])
def test_modes_beside_a_well_narrower_than_rounding_of_the_matrix(width, effect):
    """As the width falls, the well becomes a point at which the process sticks; what remains is linear in the width.

    The modes were off by 1e-4 to 1e-6, differently on each mesh, so that there was no end to refinement.
    """
    import numpy as np
    from scipy.integrate import quad

    dent = fp.Potential(f"(x**2 - 1)**2/4 - exp(-((x + 0.7137)/{width})**2)")
    line = fp.Problem(fp.Overdamped(dent, fp.Isotropic(0.05)), fp.Box([-2], [2]))
    found = [e.real.value for e in fp.spectrum(line, count=4).eigenvalues[1:]]
    mass = width * quad(lambda s: np.expm1(20 * np.exp(-s * s)), -7, 7, epsabs=0, epsrel=1e-12, limit=500)[0]
    exact = galerkin(-2, 2, lambda x: (x**2 - 1) ** 2 / 4, np.ones_like, 0.05, sticky=(-0.7137, mass))[1:4]
    assert found == pytest.approx(exact, rel=effect)


def test_hessian_noise_has_its_gap_and_the_formula_beside_it():
    """The error of the formula asked for the exponent, an integral along lines, far outside of the box."""
    steep = fp.Potential("0.688*(x**2-1)**2/4 - 0.035*x + 2.993*y**2/2 + 0.095*y**4")
    process = fp.Overdamped(steep, fp.Hessian(0.116, 0.66), interpretation="klimontovich")
    found = fp.spectrum(fp.Problem(process, fp.Box([-3, -3], [3, 3]), fp.Resolution(tolerance=1e-4)), count=2)
    assert found.gap.value == pytest.approx(0.034427667003921, rel=1e-10)
