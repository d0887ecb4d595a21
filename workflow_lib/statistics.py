"""t tests, correction for multiple tests, and information between distributions (docs/science.md 3.3, 3.4).

If a test is undefined, its numbers are NaN, never infinite, and a text gives the reason.

The tests are those of `scipy.stats`, implemented here. A call of `scipy.stats` takes ten times as long per pair of
samples, and its import 0.4 s per job. It is also wrong if variances underflow or values differ only by rounding.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, rel_entr, stdtr, stdtrit

from workflow_lib.errors import Problem, UserError

Array = npt.NDArray[np.float64]

EQUAL = 1e-13
"""Values count as equal if their range is at most this share of their largest magnitude, which may be rounding."""


@dataclass(frozen=True)
class Welch:
    """Two samples compared without assuming equal variances.

    Attributes:
        t: Welch's statistic, with the sign of `diff`.
        df: degrees of freedom (Welch-Satterthwaite).
        p: two-sided.
        diff: mean of a - mean of b.
        ci_low, ci_high: confidence interval of the difference.
        hedges_g: diff / pooled standard deviation, times the correction for small samples (Hedges 1981).
        n_a, n_b: sizes of the samples.
        undefined: why t, df, p, the interval and g are NaN; "" if they are defined.
    """

    t: float
    df: float
    p: float
    diff: float
    ci_low: float
    ci_high: float
    hedges_g: float
    n_a: int
    n_b: int
    undefined: str = ""


@dataclass(frozen=True)
class Paired:
    """Two samples compared pair by pair.

    Attributes:
        t: Student's statistic of the differences a - b.
        df: n - 1.
        p: two-sided.
        diff: mean difference.
        ci_low, ci_high: confidence interval of the mean difference.
        hedges_dz: mean / standard deviation (ddof 1) of the differences, times the correction for small samples.
        n: number of pairs.
        undefined: why t, df, p, the interval and d_z are NaN; "" if they are defined.
    """

    t: float
    df: float
    p: float
    diff: float
    ci_low: float
    ci_high: float
    hedges_dz: float
    n: int
    undefined: str = ""


def welch(a: npt.ArrayLike, b: npt.ArrayLike, confidence: float = 0.95) -> Welch:
    """Welch's unequal-variance t test, two-sided, as `scipy.stats.ttest_ind(a, b, equal_var=False)`.

    For the effect of losing a class (docs/science.md 3.3), `b` holds the accuracies with this class confused, `a` the
    accuracies otherwise.

    The variance cannot be estimated from a sample with one value or only equal values. Then t, df, p, the interval and
    g are NaN and `undefined` names the sample, even if the other sample alone would give a finite t. The difference is
    NaN only for an empty sample.

    Args:
        a: (n_a,) finite numbers.
        b: (n_b,) finite numbers.
        confidence: level of the interval.

    Raises:
        UserError: values that are not finite, or samples that are not one-dimensional.

    Examples:
        >>> from latent_atlas import welch
        >>> test = welch([0.91, 0.93, 0.92], [0.84, 0.88, 0.86])
        >>> f"difference {test.diff:.2f}, t = {test.t:.2f}, p = {test.p:.3f}"
        'difference 0.06, t = 4.65, p = 0.020'
        >>> welch([0.91, 0.93], [0.9]).undefined
        'b has one value'
    """
    x, y = _samples(a=a, b=b)
    diff = _mean(x) - _mean(y)
    nothing = float("nan")
    found = Welch(nothing, nothing, nothing, diff, nothing, nothing, nothing, x.size, y.size)
    reason = _degenerate("a", x) or _degenerate("b", y)
    if reason:
        return replace(found, undefined=reason)
    scale = max(
        float(np.ptp(x)), float(np.ptp(y))
    )  # divided out, so that variances of tiny or huge values do not under- or overflow
    variances = float(np.var(x / scale, ddof=1)), float(np.var(y / scale, ddof=1))
    shares = variances[0] / x.size, variances[1] / y.size
    error = scale * math.sqrt(sum(shares))
    df = sum(shares) ** 2 / (shares[0] ** 2 / (x.size - 1) + shares[1] ** 2 / (y.size - 1))
    within = x.size + y.size - 2
    pooled = scale * math.sqrt(((x.size - 1) * variances[0] + (y.size - 1) * variances[1]) / within)
    t, p, reach = _student(diff, error, df, confidence)
    g = diff / pooled * _small_sample(within)
    return replace(found, t=t, df=df, p=p, ci_low=diff - reach, ci_high=diff + reach, hedges_g=g)


def paired(a: npt.ArrayLike, b: npt.ArrayLike, confidence: float = 0.95) -> Paired:
    """Student's paired t test, two-sided, as `scipy.stats.ttest_rel(a, b)`.

    With one pair, or if all differences are equal (for example if a equals b), t, df, p, the interval and d_z are NaN
    and `undefined` gives the reason. The mean difference is NaN only without pairs. d_z is also NaN for two pairs, for
    which the correction is not defined. Differences count as equal if they agree within the rounding of the values.

    Args:
        a: (n,) finite numbers.
        b: (n,) the partners of `a`.
        confidence: level of the interval.

    Raises:
        UserError: values that are not finite, or samples that are not one-dimensional or have different lengths.

    Examples:
        >>> from latent_atlas import paired
        >>> test = paired([0.91, 0.93, 0.92], [0.84, 0.88, 0.86])
        >>> f"difference {test.diff:.2f}, t = {test.t:.2f}, p = {test.p:.3f}"
        'difference 0.06, t = 10.39, p = 0.009'
    """
    x, y = _samples(a=a, b=b)
    if x.size != y.size:
        allowed = "each value needs its partner"
        raise UserError(Problem("a, b", f"{x.size} and {y.size} values", allowed, "Pass samples of one length"))
    differences = x - y
    nothing = float("nan")
    found = Paired(nothing, nothing, nothing, _mean(differences), nothing, nothing, nothing, x.size)
    magnitude = max(np.abs(x).max(initial=0), np.abs(y).max(initial=0))
    reason = _degenerate("a - b", differences, magnitude)
    if reason:
        return replace(found, undefined=reason)
    scale = float(np.ptp(differences))
    std = scale * float(np.std(differences / scale, ddof=1))
    df = x.size - 1
    t, p, reach = _student(found.diff, std / math.sqrt(x.size), df, confidence)
    low, high = found.diff - reach, found.diff + reach
    return replace(found, t=t, df=df, p=p, ci_low=low, ci_high=high, hedges_dz=found.diff / std * _small_sample(df))


def _samples(**given: npt.ArrayLike) -> list[Array]:
    samples, problems = [], []
    for name, values in given.items():
        sample = np.asarray(values, dtype=np.float64)
        if sample.ndim != 1:
            problems.append(Problem(name, f"shape {sample.shape}", "must be a list of numbers", "Flatten it"))
        elif not np.isfinite(sample).all():
            place = int(np.flatnonzero(~np.isfinite(sample))[0])
            found = f"{sample[place]} in place {place}"
            problems.append(Problem(name, found, "must be finite", "Leave out what was not measured"))
        samples.append(sample)
    if problems:
        raise UserError(*problems)
    return samples


def _mean(sample: Array) -> float:
    return float(sample.mean()) if sample.size else float("nan")


def _degenerate(name: str, sample: Array, magnitude: float = 0.0) -> str:
    """Why the variance of a sample cannot be used; "" if it can."""
    if sample.size < 2:
        return f"{name} has {'one value' if sample.size else 'no values'}"
    low, high = float(sample.min()), float(sample.max())
    if high - low <= EQUAL * max(-low, high, magnitude):
        return f"all values of {name} are equal"
    return ""


def _student(diff: float, error: float, df: float, confidence: float) -> tuple[float, float, float]:
    """Return t, two-sided p, and half the width of the confidence interval."""
    t = diff / error
    return t, float(2 * stdtr(df, -abs(t))), float(stdtrit(df, (1 + confidence) / 2)) * error


def _small_sample(df: float) -> float:
    """Bias correction of a standardised mean difference (Hedges 1981): from 0.56 at df 2 towards 1; NaN below 2."""
    if df < 2:
        return float("nan")
    return math.exp(float(gammaln(df / 2) - gammaln((df - 1) / 2))) / math.sqrt(df / 2)


def kl_bits(p: npt.ArrayLike, q: npt.ArrayLike, *, smoothing: float = 0.0, signed: bool = False) -> float | Array:
    """Kullback-Leibler divergence D(p ‖ q) in bits; q is the reference.

    Both are weights of the same outcomes, probabilities or counts, and are scaled to sum to 1. An outcome with weight 0
    in p adds nothing. An outcome with weight 0 only in q makes the divergence infinite, which `smoothing` prevents.

    Args:
        p: (…, k) weights, outcomes last; or a number, the probability of the first of two outcomes.
        q: like p.
        smoothing: added to every count of both before scaling; 0.5 in docs/science.md 3.4.
        signed: use the sign of q - p in the first outcome: positive if q makes it more probable.

    Returns:
        A number, or an array with the leading axes.

    Raises:
        UserError: weights that are negative, not finite or sum to 0, a probability above 1, different shapes, or
            smoothing of probabilities.

    Examples:
        >>> from latent_atlas import kl_bits
        >>> round(kl_bits([8, 2], [5, 5]), 3)
        0.278
        >>> round(kl_bits([8, 2, 0], [6, 0, 4], smoothing=0.5), 3)  # counts that contain zeros
        0.653
    """
    one, other = _weights(p, q, smoothing)
    one = one / one.sum(axis=-1, keepdims=True)
    other = other / other.sum(axis=-1, keepdims=True)
    bits = np.maximum(rel_entr(one, other).sum(axis=-1) / math.log(2), 0)  # rounding may leave -1e-17
    if signed:
        bits = bits * np.where(other[..., 0] >= one[..., 0], 1, -1)
    return float(bits) if bits.ndim == 0 else np.asarray(bits)


def _weights(p: npt.ArrayLike, q: npt.ArrayLike, smoothing: float) -> tuple[Array, Array]:
    """Check both distributions and return their smoothed weights (…, k)."""
    found = {"p": np.asarray(p, dtype=np.float64), "q": np.asarray(q, dtype=np.float64)}
    if found["p"].shape != found["q"].shape:
        shapes = f"{found['p'].shape} and {found['q'].shape}"
        raise UserError(Problem("p, q", shapes, "must be weights of the same outcomes", "Pass both of one shape"))
    problems = []
    if smoothing < 0 or (smoothing and not found["p"].ndim):
        allowed = "is added to counts: 0 or more, and 0 for two probabilities"
        problems.append(Problem("smoothing", f"{smoothing:g}", allowed, "Pass counts of each outcome"))
    for name, weights in found.items():
        if not weights.ndim and not 0 <= weights <= 1:
            allowed = "a single number is a probability, 0 to 1"
            problems.append(Problem(name, f"{weights:g}", allowed, "Pass counts as a list, one for each outcome"))
        elif weights.ndim and not (np.isfinite(weights).all() and (weights >= 0).all()):
            place = np.argwhere(~(np.isfinite(weights) & (weights >= 0)))[0].tolist()
            found_there = f"{weights[tuple(place)]:g} at {place}"
            problems.append(Problem(name, found_there, "weights must be finite and 0 or more", "Pass counts"))
        elif weights.ndim and not ((weights + smoothing).sum(axis=-1) > 0).all():
            problems.append(Problem(name, "all weights are 0", "there must be one above 0", "Leave it out"))
    if problems:
        raise UserError(*problems)
    one, other = (w + smoothing if w.ndim else np.stack([w, 1 - w]) for w in found.values())
    return one, other


def benjamini_hochberg(p: npt.ArrayLike) -> Array:
    """Adjusted p values that control the false discovery rate (Benjamini & Hochberg 1995), with the shape of p.

    All values of the array are one family, as in `scipy.stats.false_discovery_control(p, axis=None)`. NaN stays NaN and
    does not count as a test.

    Raises:
        UserError: a value below 0 or above 1.

    Examples:
        >>> from latent_atlas import benjamini_hochberg
        >>> benjamini_hochberg([0.01, 0.02, 0.04])
        array([0.03, 0.03, 0.04])
    """
    values = np.asarray(p, dtype=np.float64)
    wrong = values[(values < 0) | (values > 1)]
    if wrong.size:
        raise UserError(Problem("p", f"{wrong[0]:g}", "p values must lie between 0 and 1", "Pass p values"))
    tested = values[~np.isnan(values)]
    order = np.argsort(-tested, kind="stable")  # from the largest down
    ranks = np.arange(tested.size, 0, -1)
    adjusted = np.empty_like(tested)
    adjusted[order] = np.minimum.accumulate(np.minimum(tested[order] * tested.size / ranks, 1))
    result = np.full_like(values, np.nan)
    result[~np.isnan(values)] = adjusted
    return result
