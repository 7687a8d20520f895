"""The questions as users ask them: the solver's answer with its asymptotics beside it."""
