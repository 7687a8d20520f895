"""A discretization as plain arrays, from which functions on it are evaluated as on the mesh they were computed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mpi4py import MPI

from fokker_planck.fem.discretization import Discretization, nodes_in_cells, quadrature_degree
from fokker_planck.fem.triangulations.curving import CurvedCells
from fokker_planck.fem.triangulations.triangulation import Facets, Triangulation
from fokker_planck.formulas.arrays import Floats


def mesh_arrays(discretization: Discretization) -> dict[str, Any]:
    """Cells with their unknowns, and the maps of those that are curved, the same on every rank."""
    own = discretization
    parts = own.comm.allgather((own.vertices, own.dofs, own.curved.cells, own.curved.nodes))
    before = np.cumsum([0, *(len(part[0]) for part in parts)])
    curved = np.concatenate([part[2] + shift for part, shift in zip(parts, before, strict=False)])
    return {
        "points": own.triangulation.points,
        "vertices": np.concatenate([part[0] for part in parts]),
        "dofs": np.concatenate([part[1] for part in parts]),
        "curved": curved,
        "bent": np.concatenate([part[3] for part in parts]),
        "degree": own.degree,
        "seams": np.array([ends or (np.nan, np.nan) for ends in own.triangulation.seams]).reshape(-1, 2),
    }


def by_cell_of_all(discretization: Discretization, values: Floats) -> Floats:
    """Values in every cell of this rank, (m, n), as those in the cells of :func:`mesh_arrays`."""
    return np.concatenate(discretization.comm.allgather(values))


def discretization_of(arrays: Mapping[str, Any]) -> Discretization:
    """Of one process, from what :func:`mesh_arrays` gives: without sets, walls and facets."""
    points, vertices = np.asarray(arrays["points"], dtype=float), np.asarray(arrays["vertices"])
    dimension, dofs, degree = points.shape[1], np.asarray(arrays["dofs"]), int(arrays["degree"])
    curved = CurvedCells(np.asarray(arrays["curved"]), np.asarray(arrays["bent"], dtype=float))
    facets = Facets(np.zeros((0, dimension), dtype=int), np.zeros(0, dtype=int), np.zeros(0, dtype=bool))
    cell_nodes = nodes_in_cells(points[vertices], curved, degree)
    nodes = np.zeros((int(dofs.max(initial=-1)) + 1, dimension))
    nodes[dofs] = cell_nodes
    ends = np.asarray(arrays.get("seams", np.zeros((0, 2))), dtype=float)
    seams = tuple(None if np.isnan(low) else (float(low), float(high)) for low, high in ends)
    return Discretization(
        triangulation=Triangulation(points, vertices, np.arange(len(points)), facets, seams=seams),
        degree=degree,
        comm=MPI.COMM_SELF,
        cells=np.arange(len(vertices)),
        vertices=vertices,
        curved=curved,
        dofs=dofs,
        cell_nodes=cell_nodes,
        nodes=nodes,
        rule=quadrature_degree(degree, dimension),
    )
