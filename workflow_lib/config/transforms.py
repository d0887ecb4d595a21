"""Section `transforms`: changes of the images before a trained network sees them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workflow_lib.config import attacks
from workflow_lib.config.attacks import Attack
from workflow_lib.config.fields import Count, Function, Options, Section, Seed, Text, Unique, example
from workflow_lib.config.paths import EITHER
from workflow_lib.errors import Problem
from workflow_lib.names import ORIGINAL


class Transform(Section):
    """What all transforms have. A kind may also have a `strength`, a number for tables and figures, or None."""

    zero_is_original: ClassVar[bool] = False
    """Whether a strength of 0 would change nothing."""
    needs_network: ClassVar[bool] = False
    """Whether the change depends on the network that sees the image."""
    suffixes: ClassVar[tuple[str, ...]] = EITHER
    """Allowed endings of its file names; empty if it reads folders."""

    def files(self) -> dict[str, str]:
        """Key and path of each file or folder of the user; if its content changes, features are extracted again."""
        return {}

    def functions(self) -> dict[str, str]:
        """Key and `module:name` of each user function; if its source changes, features are extracted again."""
        return {}


class Rotation(Transform):
    """Rotate the image; corners that were outside the image are black."""

    model_config = example(kind="rotation", degrees=30)
    zero_is_original: ClassVar[bool] = True

    kind: Literal["rotation"]
    """Rotation about the centre."""
    degrees: Annotated[float, Field(ge=-360, le=360)]
    """Angle, counter-clockwise."""

    @property
    def strength(self) -> float:
        """The angle."""
        return self.degrees


class CentreCrop(Transform):
    """Crop the centre and resize it to the full image size."""

    model_config = example(kind="centre_crop", pixels=24)

    kind: Literal["centre_crop"]
    """Crop the centre, then resize."""
    pixels: Count
    """Shorter side of the crop; the crop keeps the proportions of the image."""

    @property
    def strength(self) -> float:
        """The shorter side: smaller crops change more."""
        return self.pixels


class GaussianNoise(Transform):
    """Add normal noise to each pixel, then clip to [0, 1]."""

    model_config = example(kind="gaussian_noise", std=0.1)
    zero_is_original: ClassVar[bool] = True

    kind: Literal["gaussian_noise"]
    """Normal noise on each pixel."""
    std: Annotated[float, Field(gt=0)]
    """Standard deviation, for images in [0, 1]."""
    seed: Seed = 0
    """Seed of the noise. Each sample has its own noise, which depends on this seed and the sample's id."""

    @property
    def strength(self) -> float:
        """The standard deviation."""
        return self.std


class Pgd(Transform, Attack):
    """Attack the network that sees the image with projected gradient descent (docs/science.md 1.12)."""

    model_config = example(kind="pgd", epsilon="8/255", steps=20, restarts=2)
    zero_is_original: ClassVar[bool] = True
    needs_network: ClassVar[bool] = True

    kind: Literal["pgd"]
    """Attack by projected gradient descent."""
    restarts: Count = 1
    """Number of attacks of each image, each from a new random start; the one with the highest loss is kept."""
    target: Literal["prediction", "label"] = "prediction"
    """The class to move away from: the network's own prediction, which needs no labels, or the label."""
    seed: Seed = 0
    """Seed of the random starts. Those of a sample depend on this seed and the sample's id."""

    @property
    def strength(self) -> float:
        """Epsilon."""
        return self.epsilon


class StyleWeights(Section):
    """Weights of a network for style transfer (Huang & Belongie 2017), in the layout of naoto0804/pytorch-AdaIN."""

    encoder: Text
    """File with the encoder, such as vgg_normalised.pth."""
    decoder: Text
    """File with the decoder, such as decoder.pth."""


class Stylise(Transform):
    """Give each image the colours and textures of a style image; its shapes stay (docs/science.md 1.6)."""

    model_config = example(kind="stylise", styles="data/paintings")

    kind: Literal["stylise"]
    """Take on the look of a style image."""
    styles: Text
    """Folder of style images, at any depth. Each sample takes one, which depends on the seed and the sample's id."""
    amount: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Without weights: the share of the frequencies that take the style, from the lowest: 1 replaces all, values near 0
    only the mean colour. With weights: the share of the style in the encoded image."""
    weights: StyleWeights | None = None
    """Weights of a network for style transfer; null needs none and swaps amplitudes of spatial frequencies (Yang &
    Soatto 2020)."""
    seed: Seed = 0
    """Seed of the draw of styles."""

    @property
    def strength(self) -> float:
        """The share of the style."""
        return self.amount

    def files(self) -> dict[str, str]:
        """The folder `styles`, and the weights."""
        weights = self.weights.model_dump() if self.weights else {}
        return {"styles": self.styles, **{f"weights.{key}": file for key, file in weights.items()}}


class OwnFunction(Transform):
    """Change the images with a function of your own."""

    model_config = example(kind="function", function="my_changes:blur", options={"sigma": 1.5}, strength=1.5)

    kind: Literal["function"]
    """A function of your own."""
    function: Function
    """The function as module:name, imported from the working directory. It is called with images (n, channel, y, x)
    float32 in [0, 1], ids and the options, and returns images of the same kind."""
    options: Options = Field(default={})
    """Keyword arguments of the function."""
    reads: Unique[Text] = ()
    """Files and folders that the function reads; if their content changes, features are extracted again."""
    strength: float | None = None
    """How strong the change is, as a number for tables and figures; null for none."""

    def files(self) -> dict[str, str]:
        """What the function reads."""
        return {f"reads.{i}": path for i, path in enumerate(self.reads)}

    def functions(self) -> dict[str, str]:
        """The function."""
        return {"function": self.function}


AnyTransform = Annotated[
    Rotation | CentreCrop | GaussianNoise | Stylise | OwnFunction | Pgd, Field(discriminator="kind")
]


def scale(transform: AnyTransform) -> str:
    """What the strength of a transform measures: numbers of different scales cannot be compared."""
    if isinstance(transform, OwnFunction):
        return transform.function
    if isinstance(transform, Pgd):
        return f"{transform.kind} {transform.norm}"
    if isinstance(transform, Stylise) and transform.weights:
        return f"{transform.kind} with weights"
    return transform.kind


def scales(names: Sequence[str], transforms: Mapping[str, AnyTransform]) -> dict[str, list[str]]:
    """Those of these transforms that have a strength, by its scale.

    `original`, which is not in `transforms`, is in each scale whose 0 would be no change.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        if name in transforms and getattr(transforms[name], "strength", None) is not None:
            found.setdefault(scale(transforms[name]), []).append(name)
    for members in found.values():
        if ORIGINAL in names and transforms[members[0]].zero_is_original:
            members.append(ORIGINAL)
    return found


def strengths(names: Sequence[str], transforms: Mapping[str, AnyTransform]) -> dict[str, float | None]:
    """Strength of each of these transforms, by name; None if it has none.

    `original`, which is not in `transforms`, has the strength 0 if that would be no change for all others.
    """
    chosen = {name: transforms[name] for name in names if name in transforms}
    original = 0.0 if chosen and all(transform.zero_is_original for transform in chosen.values()) else None
    return {name: getattr(chosen[name], "strength", None) if name in chosen else original for name in names}


def problems(name: str, transform: Transform) -> Iterator[Problem]:
    """Contradictions in one transform whose values are all well formed."""
    where = f"transforms.{name}"
    if isinstance(transform, Pgd):
        yield from attacks.problems(where, transform)
        if transform.restarts > 1 and not transform.random_start:
            allowed = "all attacks start at the image, so they are the same"
            yield Problem(f"{where}.restarts", str(transform.restarts), allowed, "write 1, or random_start: true")
