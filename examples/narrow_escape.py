"""From a gmsh model through dolfinx to a mean exit time, and back to a function of dolfinx: narrow escape from a disc.

Claim. A Brownian particle (D = 1) in the unit disc, let out through an arc of half-angle a and reflected elsewhere,
needs from the centre a time that grows like the logarithm of 1/a, and one eighth less from a place chosen at random.

Formula. T(0) = 1/4 - ln sin(a/2)  (Caginalp and Chen 2012); T + r^2/4 is harmonic, so that its mean over the disc is
its value at the centre, and that of T is T(0) - 1/8.

Run it:  python examples/narrow_escape.py      (seconds; needs gmsh, and dolfinx 0.10 or later, which reads its models)
"""

from math import cos, log, pi, sin

import gmsh
import ufl
from mpi4py import MPI

import fokker_planck as fp

# isort: split
import dolfinx
from dolfinx.io.gmsh import model_to_mesh

HALF_ANGLE = 0.2
DISC, WINDOW = 1, 2

# The disc in gmsh: the wall in three arcs, of which the first is the window; triangles with curved sides of order 3.
gmsh.initialize()
gmsh.option.setNumber("General.Terminal", 0)
occ = gmsh.model.occ
ends = [occ.addPoint(cos(angle), sin(angle), 0.0) for angle in (-HALF_ANGLE, HALF_ANGLE, pi)]
centre = occ.addPoint(0.0, 0.0, 0.0)
arcs = [occ.addCircleArc(a, centre, b) for a, b in zip(ends, ends[1:] + ends[:1], strict=True)]
disc = occ.addPlaneSurface([occ.addCurveLoop(arcs)])
occ.synchronize()
gmsh.model.addPhysicalGroup(2, [disc], tag=DISC)
gmsh.model.addPhysicalGroup(1, arcs[:1], tag=WINDOW)
gmsh.option.setNumber("Mesh.MeshSizeMax", 0.2)
gmsh.model.mesh.generate(2)
gmsh.model.mesh.setOrder(3)

# Into dolfinx, and from there a domain whose facets with a tag are a set.
read = model_to_mesh(gmsh.model, MPI.COMM_WORLD, 0, gdim=2)
gmsh.finalize()
domain = fp.DolfinxMesh(read.mesh, read.cell_tags, read.facet_tags)
process = fp.Overdamped(fp.Potential("0"), fp.Isotropic(1.0))
problem = fp.Problem(process, domain, fp.Resolution(tolerance=1e-4))
answer = fp.mean_exit_time(problem, start=[0.0, 0.0], target=domain.facet_set(WINDOW))

# Back to dolfinx: the mean over the disc is an integral of the field.
time = answer.field.to_dolfinx()
area = dolfinx.fem.assemble_scalar(dolfinx.fem.form(dolfinx.fem.Constant(time.function_space.mesh, 1.0) * ufl.dx))
mean = dolfinx.fem.assemble_scalar(dolfinx.fem.form(time * ufl.dx)) / area

exact = 0.25 - log(sin(HALF_ANGLE / 2.0))
print(f"from the centre           {answer.mean}, exact {exact:.6f}")
print(f"from a place at random    {mean:.6f}   exact {exact - 0.125:.6f}")
right = abs(answer.mean.value / exact - 1.0) < 1e-4 and abs(mean / (exact - 0.125) - 1.0) < 1e-4

print("reproduced" if right else "NOT reproduced")
raise SystemExit(0 if right else 1)
