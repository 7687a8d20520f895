"""Conforming simplicial meshes as arrays: made, fitted, refined, curved."""
