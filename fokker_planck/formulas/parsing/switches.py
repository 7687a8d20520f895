"""Functions in which a formula passes from one branch to another, by the names of their nodes in sympy trees."""

STEPS = ("RealSign", "RealStep", "sign")
"""They jump where their argument is zero."""
MODULI = ("RealAbs", "Abs")
ONE_ARGUMENT = (*MODULI, *STEPS)
"""What stands inside is zero where they have a kink or jump."""
TWO_ARGUMENTS = ("RealMax", "RealMin")
"""Their arguments are equal there."""
CHOICES = ("RealSelect", "RealSide")
"""The first of their three arguments is zero there; the others are what they choose from."""
SWITCHES = (*ONE_ARGUMENT, *TWO_ARGUMENTS, *CHOICES)
