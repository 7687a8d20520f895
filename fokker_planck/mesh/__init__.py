"""Meshes of shapes: level sets taken apart into smooth pieces, cut exactly, made regular by mmg, curved."""
