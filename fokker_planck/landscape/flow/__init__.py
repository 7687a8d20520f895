"""The flow downhill, in a domain and along its walls, and where it ends."""
