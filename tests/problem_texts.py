"""The process of small problem files, to which tests add what they ask."""

QUARTIC_WELL = """
[potential]
expression = "(x**2 - 1)**2/4"
[diffusion]
kind = "isotropic"
epsilon = 0.125
[domain]
kind = "box"
lower = [-2.0]
upper = [2.0]
[sets.A]
ball = { center = [-1.0], radius = 0.25 }
[sets.B]
ball = { center = [1.0], radius = 0.25 }
"""
