"""The toy pictures of docs/reading.md, drawn from points by the library: python docs/images/reading/draw.py."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle

from latent_atlas import kstar_report, neighbourhood, tensors, welch
from workflow_lib.figures.style import CLASS_COLOURS, PATTERN_COLOURS, RC

HERE = Path(__file__).parent
BLUE, GREEN, PINK = CLASS_COLOURS[0], CLASS_COLOURS[1], CLASS_COLOURS[2]
GREY = "#b0b0b0"


def main() -> None:
    """Write all pictures."""
    with mpl.rc_context(RC):
        for draw in (kstar, patterns, dissimilarity, confusion):
            draw().savefig(HERE / f"{draw.__name__}.png", metadata={"Software": None})


def kstar() -> Figure:
    """One sample, its nearest foreign sample, and the samples of its class that are nearer; then all samples."""
    random = np.random.default_rng(4)
    own, others = random.normal((0, 0), (1.0, 0.8), (14, 2)), random.normal((2.6, 0.5), (0.7, 0.8), (10, 2))
    points = np.concatenate([own, others])
    labels = np.repeat([0, 1], [14, 10])
    found = neighbourhood(points, labels)
    sample = int(np.argmin(np.abs(found.kappa[labels == 0] - 6)))
    figure = Figure((5.2, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, sharey=True)
    radius = found.nearest_foreign_distance[sample]
    nearer = (labels == 0) & (np.linalg.norm(points - points[sample], axis=1) < radius)
    nearer[sample] = False
    above.add_patch(Circle(points[sample], radius, fill=False, linestyle="--", color="#404040", linewidth=0.8))
    above.scatter(*points[labels == 0].T, color=BLUE, alpha=0.25, s=36, linewidth=0)
    above.scatter(*points[nearer].T, color=BLUE, s=36, linewidth=0)
    above.scatter(*points[labels == 1].T, color=GREY, marker="s", s=30, linewidth=0)
    above.scatter(*points[sample], color="white", edgecolor=BLUE, s=60, linewidth=1.6)
    nearest = points[found.nearest_foreign[sample]]
    above.scatter(*nearest, color="none", edgecolor="black", marker="s", s=60, linewidth=1.2)
    kappa, size = found.kappa[sample], int((labels == 0).sum())
    above.set_title(f"{kappa - 1} of its class are nearer: κ = {kappa}, k* = {kappa}/{size} = {kappa / size:.2f}")
    shown = below.scatter(*points[labels == 0].T, c=found.kstar[labels == 0], cmap="viridis", vmin=0, vmax=1, s=36)
    below.scatter(*points[labels == 1].T, c=found.kstar[labels == 1], cmap="viridis", vmin=0, vmax=1, s=30, marker="s")
    below.set_title("k* of every sample")
    figure.colorbar(shown, ax=below, location="bottom", aspect=40, pad=0.02)
    for axes in (above, below):
        _blank(axes)
    return figure


def patterns() -> Figure:
    """Four classes (blue) among other samples (grey), with the distribution of k* of each."""
    random = np.random.default_rng(0)
    far = random.normal((6, 0), 0.7, (120, 2))
    blob = random.normal((0, 0), 0.7, (120, 2))
    two = np.concatenate([random.normal((x, 0), 0.35, (60, 2)) for x in (0, 6)])
    between = random.normal((3, 0), 0.35, (120, 2))
    cells = random.integers(0, 6, (240, 2))
    board = cells + random.uniform(0.15, 0.85, (240, 2))
    scenes = {
        "One place, away from the others": (blob, far),
        "Two places, others between": (two, between),
        "Many places, others between": (board[cells.sum(axis=1) % 2 == 0], board[cells.sum(axis=1) % 2 == 1]),
        "Mixed with the others": (random.normal(0, 1, (120, 2)), random.normal(0, 1, (120, 2))),
    }
    figure = Figure((5.2, 8.4), layout="constrained")
    for (title, (own, others)), (left, right) in zip(scenes.items(), figure.subplots(4, 2), strict=True):
        features, labels = np.concatenate([own, others]), np.repeat([0, 1], [len(own), len(others)])
        report = kstar_report(features, labels).iloc[0]
        left.scatter(*others.T, color=GREY, s=8, marker="s", linewidth=0)
        left.scatter(*own.T, color=BLUE, s=8, linewidth=0)
        left.set_title(title, fontweight="bold")
        left.set(adjustable="datalim")
        _blank(left)
        values = neighbourhood(features, labels).kstar[labels == 0]
        right.hist(values, bins=np.linspace(0, 1, 21), color=PATTERN_COLOURS[report["pattern"]])
        right.set(xlim=(0, 1), xlabel="k* of the blue class", yticks=[])
        right.set_title(
            f"{report['pattern']}, skewness {report['skewness']:.1f}\nmade of {report['made_of']} "
            f"(largest: {report['largest_piece']:.0%})".replace("-", "−")
        )
    return figure


def dissimilarity() -> Figure:
    """Prototypes of two networks in a plane of features: from every class (shape) towards every class (colour)."""
    targets, origins = np.meshgrid(np.arange(3), np.arange(3), indexing="ij")
    middle, small = np.radians([30, 150, 270]), np.radians([-12, 0, 12])
    scenes = {"What counts is the target": (targets, origins), "What counts is the origin": (origins, targets)}
    figure = Figure((5.6, 3.6), layout="constrained")
    for (title, (main, other)), axes in zip(scenes.items(), figure.subplots(1, 2), strict=True):
        angles = middle[main] + small[other]  # (3, 3): target, origin
        features = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        C, R = tensors(features)
        apart = ~np.eye(3, dtype=bool)
        c, r = C.transpose(1, 0, 2)[:, apart].mean(), R[:, apart].mean()
        axes.add_patch(Circle((0, 0), 1, fill=False, color=GREY, linewidth=0.6))
        for k, j in np.ndindex(3, 3):
            axes.plot(*np.stack([[0, 0], 0.9 * features[k, j]]).T, color=GREY, linewidth=0.5)
            axes.plot(*features[k, j], "os^"[j], color=(BLUE, GREEN, PINK)[k], markersize=8, markeredgewidth=0)
        axes.set_title(f"{title}\nmean of C = {c:.2f}, mean of R = {r:.2f}", fontweight="bold")
        axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
        _blank(axes)
        axes.spines[:].set_visible(False)
    entries, names = [], []
    for colour, marker, name in zip((BLUE, GREEN, PINK), "os^", "ABC", strict=True):
        entries += [Line2D([], [], marker="o", linestyle="", color=colour)]
        entries += [Line2D([], [], marker=marker, linestyle="", color="#606060")]
        names += [f"towards {name}", f"from {name}"]
    figure.legend(entries, names, loc="outside lower center", ncols=3)
    return figure


def confusion() -> Figure:
    """Accuracy on three classes, in runs that confused a class and in others: needed, in the way, without effect."""
    random = np.random.default_rng(1)
    means = {"X helped": (0.92, 0.84), "X has no effect": (0.92, 0.92), "X was in the way": (0.84, 0.92)}
    figure = Figure((5.6, 3.0), layout="constrained")
    for (title, (otherwise, confused)), axes in zip(means.items(), figure.subplots(1, 3, sharey=True), strict=True):
        a, b = random.normal(otherwise, 0.02, 20), random.normal(confused, 0.02, 20)
        test = welch(a, b)
        for place, values, colour in ((0, a, BLUE), (1, b, PATTERN_COLOURS["Fractured"])):
            axes.plot(place + random.uniform(-0.12, 0.12, 20), values, "o", color=colour, markersize=4, alpha=0.7)
            axes.plot([place - 0.25, place + 0.25], [values.mean()] * 2, color="black", linewidth=1.2)
        p = "p < 0.001" if test.p < 0.001 else f"p = {test.p:.2f}"
        axes.set_title(f"{title}\nt = {test.t:.1f}, {p}".replace("-", "−"), fontweight="bold")
        axes.set(xlim=(-0.6, 1.6), xticks=[0, 1], xticklabels=["intact", "confused"], xlabel="class X")
        axes.set_ylabel("accuracy on class T" if axes.get_subplotspec().is_first_col() else "")
    return figure


def _blank(axes: Axes) -> None:
    """A frame without numbers, in which distances are true."""
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(True)


if __name__ == "__main__":
    main()
