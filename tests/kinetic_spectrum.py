"""Small eigenvalues of dx = v dt, dv = -V' dt - gamma v dt + sqrt(2 gamma eps) dW, V a polynomial: Hermite x Hermite.

With u = exp(V/2 eps) phi and Hermite functions in v the generator is
``sqrt(n) G c_(n-1) - sqrt(n+1) G^T c_(n+1) - gamma n c_n``, ``G = sqrt(eps) (d/dx + V'/(2 eps))``; x and d/dx are the
tridiagonal matrices of Hermite functions of one width.
"""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import eigs


def kinetic_eigenvalues(slope, eps, gamma, count=2, in_x=80, in_v=60, width=0.35, middle=0.0):
    """The smallest ones in modulus, the zero first; ``slope`` has the coefficients of V', the constant first."""
    lift = np.sqrt(np.arange(1.0, in_x + 40))
    lower = np.diag(lift, 1)
    x = width * (lower + lower.T) / np.sqrt(2.0) + middle * np.eye(len(lift) + 1)
    derivative = (lower - lower.T) / np.sqrt(2.0) / width
    force = np.zeros_like(x)
    for coefficient in reversed(slope):
        force = force @ x + coefficient * np.eye(len(x))
    # products are exact in the corner that is kept: the rest is further away than the degree of V'
    up = sp.csr_matrix((np.sqrt(eps) * (derivative + force / (2.0 * eps)))[:in_x, :in_x])
    ladder = sp.diags([np.sqrt(np.arange(1.0, in_v))], [-1], dtype=float)
    damping = sp.diags([gamma * np.arange(in_v)], [0], dtype=float)
    minus = sp.kron(damping, sp.identity(in_x)) - sp.kron(ladder, up) + sp.kron(ladder.T, up.T)
    found = eigs(minus.tocsc(), k=count, sigma=-1e-7, v0=np.ones(in_x * in_v), return_eigenvectors=False)
    return np.sort(found.real)
