"""Multiplications for one atom: making features up to l_max from its neighbours, and multiplying them with one another."""

from __future__ import annotations

from math import comb

from ._checks import require_int


def harmonics_cost(l_max: int) -> int:
    r"""Multiplications that give all real harmonics up to `l_max` of one unit vector (x, y, z), constants premultiplied.

    :math:`Y_{l,\pm m}` is :math:`Q_l^m(z)` times the real or imaginary part of :math:`(x+iy)^m`. Those powers take 4
    multiplications for each m = 2, ..., L. :math:`Q_m^m` is a constant, :math:`Q_{m+1}^m = c z` takes 1, and the recursion
    :math:`Q_l^m = a z Q_{l-1}^m + b Q_{l-2}^m` takes 3 for each l >= m + 2. Each of the L(L+1) products with m > 0 takes 1:

    .. math:: 4(L-1) + L + \tfrac32 L(L-1) + L(L+1) = \tfrac12 (5L^2 + 9L - 8), \quad L \ge 1,

    and none for L = 0. Square roots and divisions that make the vector a unit vector are not counted.

    Raises
    ------
    InputError
        If `l_max` is not an integer of at least 0.

    Examples
    --------
    >>> [harmonics_cost(l) for l in range(5)]
    [0, 3, 15, 32, 54]
    """
    l_max = require_int("l_max", l_max, 0)
    return (5 * l_max**2 + 9 * l_max - 8) // 2 if l_max else 0


def coupling_cost(l_first: int, l_second: int, l_out: int) -> int:
    r"""Multiplications of a dense coupling of all degrees a <= `l_first` and b <= `l_second` to all c <= `l_out`.

    .. math:: \sum_{a \le l_1} \sum_{b \le l_2} \sum_{c} (2a+1)(2b+1)(2c+1), \quad |a-b| \le c \le \min(a+b, l_{out}),

    for one channel of each, whatever the parities. Sparse real couplings need about 1/(2c+1) of them.

    Raises
    ------
    InputError
        If an argument is not an integer of at least 0.

    Examples
    --------
    >>> coupling_cost(1, 1, 1), coupling_cost(0, 2, 2)
    (55, 35)
    """
    l_first, l_second = require_int("l_first", l_first, 0), require_int("l_second", l_second, 0)
    l_out = require_int("l_out", l_out, 0)
    total = 0
    for a in range(l_first + 1):
        for b in range(l_second + 1):
            high, low = min(a + b, l_out), abs(a - b)
            if high >= low:  # the sum of 2c+1 for c = low..high is (high+1)^2 - low^2
                total += (2 * a + 1) * (2 * b + 1) * ((high + 1) ** 2 - low**2)
    return total


def feature_cost(l_max: int, channels: int = 1, neighbours: int = 1, *, both_parities: bool = False) -> int:
    r"""Multiplications that a message-passing layer takes for one atom's features up to L = `l_max`.

    For each of the K neighbours the harmonics of the edge up to L, and the tensor product of the neighbour's n channels of
    each degree with them, to degrees up to L, channel by channel:

    .. math:: K\,\Bigl[\tfrac12(5L^2 + 9L - 8) + n \sum_{a,b,c \le L} (2a+1)(2b+1)(2c+1)\Bigr], \quad |a-b| \le c \le a+b.

    Features of both parities have 2n channels of each degree. Radial networks and linear maps are not counted: they do not
    know l.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> feature_cost(1, channels=32, neighbours=20)
    35260
    """
    channels, neighbours = require_int("channels", channels, 1), require_int("neighbours", neighbours, 1)
    copies = channels * (2 if both_parities else 1)
    return neighbours * (harmonics_cost(l_max) + copies * coupling_cost(l_max, l_max, l_max))


def tensor_product_cost(degree: int, l_max: int, l_out: int, channels: int = 1) -> int:
    r"""Multiplications of the tensor products behind a readout of the given degree, channel by channel, for one atom.

    The product of k features is coupled with one more feature of the same channel, for k = 1..d-1; a coupling of degrees
    a and b to c is counted with (2a+1)(2b+1)(2c+1) multiplications (dense; sparse real couplings need about
    1/(2c+1) of them), and intermediate degrees that cannot come down to `l_out` any more are left out:

    .. math:: n \sum_{k=1}^{d-1} \sum_{a \le kL} \sum_{b \le L} \sum_{c} (2a+1)(2b+1)(2c+1), \quad |a-b| \le c \le a+b,\;
        c \le l_{out} + (d-k-1)L.

    Products of different channels are not among them; see `polynomial_cost` for all of them.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> tensor_product_cost(2, 1, 2)
    100
    """
    degree, l_max = require_int("degree", degree, 1), require_int("l_max", l_max, 0)
    l_out, channels = require_int("l_out", l_out, 0), require_int("channels", channels, 1)
    total = 0
    for k in range(1, degree):
        reach = l_out + (degree - k) * l_max  # what the left factor may still have
        total += coupling_cost(min(k * l_max, reach), l_max, reach - l_max)
    return channels * total


def polynomial_cost(degree: int, l_max: int, channels: int = 1) -> int:
    r"""Multiplications that form every monomial of degree 2, ..., `degree` in all components of all channels.

    These are the products whose coefficients an equivariant readout of this degree is free to choose. There are
    N = n (L+1)^2 components, and each monomial is one of a degree less times one component:

    .. math:: \sum_{k=2}^{d} \binom{N + k - 1}{k}.

    Raises
    ------
    InputError
        If an argument is not an integer or too small.

    Examples
    --------
    >>> polynomial_cost(2, 1), polynomial_cost(3, 1), polynomial_cost(1, 5, 32)
    (10, 30, 0)
    """
    degree, l_max = require_int("degree", degree, 1), require_int("l_max", l_max, 0)
    components = require_int("channels", channels, 1) * (l_max + 1) ** 2
    return sum(comb(components + k - 1, k) for k in range(2, degree + 1))
