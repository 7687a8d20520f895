"""Meshes of shapes: level sets cut exactly, made regular by mmg, curved onto their surfaces."""
