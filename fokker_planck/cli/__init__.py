"""The command fokker-planck: its arguments, the problem file, the status it ends with."""
