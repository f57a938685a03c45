"""How many standard errors it takes to be sure: the quantiles of the normal and of Student's distribution, both sides counted."""

from math import exp, sqrt
from statistics import NormalDist


def normal_bar(sure: float) -> float:
    return NormalDist().inv_cdf(1 - sure / 2)


def student_bar(degrees: float, sure: float) -> float:
    """Student's quantile, by Wallace's approximation of it (1959): within one in a hundred."""
    z = normal_bar(sure) * (8 * degrees + 3) / (8 * degrees + 1)
    return sqrt(degrees * (exp(z * z / degrees) - 1))
