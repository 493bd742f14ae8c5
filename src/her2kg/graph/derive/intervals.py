"""Compute what the sources do not print: Wilson's 95 % interval of every count k of n, marked as computed.

E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927) 209-212.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from math import sqrt

from rdflib import Graph, Literal
from rdflib.namespace import XSD

from her2kg.model.namespaces import HER2

#: The 0.975 quantile of the standard normal distribution.
_Z = 1.959963984540054


def intervals(asserted: Graph) -> Graph:
    """Give lower and upper end, in percent, for every measurement with numerator and denominator."""
    computed = Graph()
    for measurement, numerator in asserted.subject_objects(HER2.numerator):
        denominator = asserted.value(measurement, HER2.denominator)
        if not isinstance(numerator, Literal) or not isinstance(denominator, Literal):
            continue
        k, n = int(numerator), int(denominator)
        # Counts that cannot be are refused by the shapes; there is nothing to compute from them.
        if 0 <= k <= n and n > 0:
            low, high = wilson(k, n)
            computed.add((measurement, HER2.wilsonLow, Literal(f"{low:f}", datatype=XSD.decimal)))
            computed.add((measurement, HER2.wilsonHigh, Literal(f"{high:f}", datatype=XSD.decimal)))
    return computed


def wilson(k: int, n: int) -> tuple[Decimal, Decimal]:
    """Give Wilson's 95 % interval for k of n, in percent with one decimal; n must not be 0.

    >>> wilson(3, 24)
    (Decimal('4.3'), Decimal('31'))
    >>> wilson(0, 8)
    (Decimal('0'), Decimal('32.4'))
    """
    share, weight = k / n, _Z * _Z / n
    middle = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * sqrt(share * (1 - share) / n + weight / (4 * n))
    return _percent(middle - half), _percent(middle + half)


def _percent(share: float) -> Decimal:
    rounded = (Decimal(str(share)) * 100).quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    bounded = min(max(rounded, Decimal(0)), Decimal(100))
    return Decimal(f"{bounded.normalize():f}")
