"""The claims. Every module here holds one, as ``CLAIM``, and is found by being here."""
