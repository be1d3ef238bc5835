"""Models of any make behind one contract: named layers of equivariant features, energies, forces, irreps.

Enters: a file, a module, a function or a shipped name. Leaves: a ``Backbone``, and ``Features`` that Wigner D turns exactly.
"""
