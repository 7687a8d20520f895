"""One question many times: over learning rates, batch sizes and momentum, over surfaces drawn around a measured one."""
