"""Mistakes in configs and on the command line."""

from typing import Any, Literal

from edits import Edit, append, link, pipe, remove, replace, several, write
from mistake import GONE, Mistake, setting
from project import shipped

CNN, TRAINING, STUDY = "models/digits_cnn", "models/digits_cnn/training", "kstar/studies/training"
A_FOLDER = {"config.yaml": None}


def wrong(path: str, value: Any, *said: str, base: str = "miniature") -> Mistake:
    """A wrong value, told at its key."""
    where = path.replace("/", ".")
    return Mistake(f"{base}: {path} = {value!r}"[:70], (where, *said), setting(path, value), base)


def broken(name: str, edit: Edit | bytes, *said: str) -> Mistake:
    """A config.yaml that cannot be read as one, or its content."""
    made = write("config.yaml", edit) if isinstance(edit, bytes) else edit
    return Mistake(f"config.yaml: {name}", ("config.yaml", *said), made, "default")


def recoded(encoding: str) -> bytes:
    """The default config in another encoding."""
    return f"# déjà vu\n{shipped('default')}".encode(encoding)


def configfile(name: str, content: bytes | None, *said: str) -> Mistake:
    """A file for --configfile that Snakemake itself reads, and refuses, before our code is reached."""
    files = {} if name == "missing" else {"own.yaml": content}
    return Mistake(
        f"--configfile: {name}", said, files=files, arguments=("-n", "--configfile", "own.yaml"), when="snakemake"
    )


def override(entry: str, *said: str, when: Literal["parse", "snakemake"] = "parse") -> Mistake:
    """A wrong --config on the command line."""
    return Mistake(f"--config {entry}", said, arguments=("-n", "--config", entry), when=when)


def target(path: str, said: str = "the config names no such result") -> Mistake:
    """A result that the config does not name, or a target that there is not."""
    return Mistake(f"no target {path}", (path, said), arguments=("-n", path))


IN_CONFIG = [
    # types
    wrong("models", [], "must be a mapping"),
    wrong("datasets", None, "must be a mapping", base="default"),
    wrong(f"{TRAINING}/epochs", "4", "whole number", "write 4 without quotes"),
    wrong(f"{TRAINING}/epochs", 4.5, "must be a whole number"),
    wrong(f"{TRAINING}/lr", "1e-2", "YAML reads 1e-2 as text", "write 0.01 or 1.0e-2"),
    wrong(f"{TRAINING}/lr", True, "true", "must be a number"),
    wrong(f"{CNN}/seeds", 3, "must be a list", "write [3]"),
    wrong(
        "datasets/i", {"source": "imagefolder", "root": "data", "image_size": 32}, "image_size: 32", "write [32, 32]"
    ),
    wrong(f"{CNN}/layers", "conv1", "must be a mapping"),
    wrong(f"{STUDY}/title", 7, "must be text", 'put quotes around it: "7"'),
    wrong("kstar/threshold", None, "null", "must be a number", base="embeddings"),
    wrong("models/resnet18/training/nesterov", "yes", "must be true or false", base="cifar10-resnet18"),
    Mistake(
        "classes without quotes",
        ("datasets.digits.classes[0]: 0", 'put quotes around it: "0"'),
        replace("config.yaml", '["0", "1", "2", "3"]', "[0, 1, 2, 3]"),
    ),
    Mistake(
        "a key that YAML reads as false",
        ("kstar.false: false", "quotes"),
        replace("config.yaml", "kstar:\n", "kstar:\n  no: 1\n"),
    ),
    Mistake(
        "a value that YAML reads as a date",
        ("kstar.studies.training.title",),
        replace("config.yaml", "How", "2026-01-01 #"),
    ),
    # keys
    wrong("model", {}, "not a known key", "write models instead"),
    wrong("datasets", GONE, "is required", "add the key datasets", base="default"),
    wrong(f"{TRAINING}/learning_rate", 0.1, "not a known key", "batch_size, optimizer, lr"),
    wrong("kstar/studies/layers/metrics", "all", "write metric instead", base="cifar10-resnet18"),
    wrong("datasets/embeddings/paths", "x", "write path instead", base="embeddings"),
    wrong("datasets/embeddings/source", GONE, "is required", "add the key source", base="embeddings"),
    wrong("transforms/turned", {"degrees": 30}, "kind", "is required", base="default"),
    wrong(f"{CNN}/layers", GONE, "is required", "add the key layers"),
    # ranges
    wrong(f"{TRAINING}/epochs", 0, "must be at least 1"),
    wrong(f"{TRAINING}/lr", -0.1, "must be greater than 0"),
    wrong(f"{TRAINING}/lr", float("inf"), "finite"),
    wrong("models/resnet18/training/momentum", 1, "must be less than 1", base="cifar10-resnet18"),
    wrong("datasets/digits/test_fraction", 1.2, "must be less than 1", base="default"),
    wrong("datasets/digits/subsample/train", 1, "must be at least 2"),
    wrong(f"{CNN}/seeds", [0, -1], "must be at least 0"),
    wrong(f"{CNN}/intervals", [0, 100], "must be at least 1"),
    wrong(f"{CNN}/intervals", [50, 120, 100], "must be at most 100"),
    wrong("kstar/approximate", {"neighbours": 1}, "kstar.approximate.neighbours: 1", "at least 2", base="embeddings"),
    wrong("kstar/neighbours", 0, "must be at least 1", base="embeddings"),
    wrong("models/resnet18/normalize/std", [0.2, 0, 0.2], "[1]: 0", "greater than 0", base="cifar10-resnet18"),
    # lists
    wrong(f"{CNN}/seeds", [1, 1], "twice; here: 1"),
    wrong(f"{CNN}/seeds", [], "at least one entry"),
    wrong(f"{CNN}/intervals", [], "must contain 100"),
    wrong(f"{CNN}/intervals", [25, 50], "must contain 100"),
    wrong(f"{CNN}/layers", {}, "at least one entry"),
    wrong(f"{STUDY}/metric", [], "must name at least one value, or all"),
    wrong("datasets/digits/classes", ["1"], "at least 2 entries"),
    wrong("datasets", {}, "at least one dataset"),
    # names
    wrong(f"{CNN}/dataset", "digit", "write digits"),
    wrong(f"{CNN}/architecture", "small_cn", "write small_cnn"),
    wrong(f"{CNN}/layers/early", "conv4", "module of small_cnn", "write conv"),
    wrong(f"{STUDY}/model", "digits", "is not a model; there are: digits_cnn", "write digits_cnn"),
    wrong(f"{STUDY}/layer", "late", "layer of the model digits_cnn; there are: early, logits"),
    wrong(f"{STUDY}/metric", "manhattan", "euclidean, cityblock"),
    wrong(f"{STUDY}/seed", 2, "seed of the model digits_cnn; there are: 0, 1"),
    wrong(f"{STUDY}/interval", 75, "interval of the model digits_cnn; there are: 25, 50, 100"),
    wrong(f"{STUDY}/transform", "turned", "is not a transform; there are: original"),
    wrong(f"{STUDY}/classes", ["0", "4"], '"4"', "class of this study; there are: 0, 1, 2, 3"),
    wrong("datasets/digits/classes", ["0", "10"], '"10"', "class of this source"),
    wrong("datasets/cifar10/classes", ["cat", "dogs"], "class of this source", "write dog", base="cifar10-resnet18"),
    wrong("datasets/digits/superclasses", {"a": ["1"], "b": ["x"]}, ".b", '"x"', base="default"),
    wrong("kstar/studies/embeddings/features", "embedding", "write embeddings", base="embeddings"),
    wrong("kstar/studies/embeddings/maps", ["tsna"], "write tsne", base="embeddings"),
    wrong("models/Net 1", {}, "lower-case letters", "net_1"),
    wrong("datasets/original.zarr", {"source": "digits"}, "lower-case letters"),
    wrong("transforms/original", {"kind": "rotation", "degrees": 1}, "the name original is reserved"),
    # what does not fit together
    wrong(f"{TRAINING}/epochs", 5, "25 % is 1.25 epochs", "write 4 or 8"),
    wrong(f"{TRAINING}/momentum", 0.9, "the optimizer adam takes no momentum"),
    wrong(f"{CNN}/weights", "torchvision", "no weights for the architecture small_cnn"),
    Mistake("neither training nor weights", ("models.digits_cnn", "neither"), setting(TRAINING, GONE)),
    Mistake(
        "two mistakes",
        ("2 problems", "kstar.threshold", "kstar.skewness"),
        several(setting("kstar/skewness", "anchor"), setting("kstar/threshold", 0)),
    ),
    # files
    wrong("datasets/embeddings/path", "data/nowhere.npz", "there is no such file or folder", base="embeddings"),
    wrong("datasets/embeddings/path", "data", "must end in one of .npz", base="embeddings"),
    wrong("datasets/embeddings/path", "config.yaml", "must end in one of .npz", base="embeddings"),
    wrong(f"{CNN}/weights", "nowhere.pt", "there is no such file or folder"),
    wrong(f"{CNN}/weights", "data", "is a folder, and a file is wanted"),
    Mistake(
        "a file in place of a folder",
        ("datasets.wrong.root: config.yaml", "is a file, and a folder is wanted"),
        setting("datasets/wrong", {"source": "imagefolder", "root": "config.yaml", "image_size": [8, 8]}),
    ),
    Mistake(
        "weights in a pipe",
        (f"{CNN}/weights: my.pt".replace("/", "."), "no regular file"),
        several(pipe("my.pt"), setting(f"{CNN}/weights", "my.pt")),
    ),
    Mistake(
        "a file in place of the results",
        ("results: others", "is a file"),
        setting("results", "others"),
        files={"others": b""},
    ),
    Mistake(
        "results that lead nowhere",
        ("results: others", "leads nowhere: gone"),
        several(link("others", "gone"), setting("results", "others")),
    ),
]

FILES = [
    broken("empty", b"", "the file has no content"),
    broken("only comments", b"# nothing yet\n", "the file has no content"),
    broken("a list", b"- datasets\n- models\n", "not a mapping"),
    broken("a scalar", b"datasets\n", "not a mapping"),
    broken("a bracket that is not closed", replace("config.yaml", "40, 60, 70, 80, 90, 100]", "40"), "not valid YAML"),
    broken("two colons", replace("config.yaml", "dataset: digits", "dataset: digits: all"), "not valid YAML"),
    broken(
        "a tab",
        replace("config.yaml", "    dataset: digits", "\tdataset: digits"),
        "a tab cannot indent",
        "with spaces",
    ),
    broken(
        "a wrong indentation", replace("config.yaml", "    dataset: digits", "   dataset: digits"), "not valid YAML"
    ),
    broken(
        "a key twice", replace("config.yaml", "epochs: 20", "epochs: 20\n      epochs: 40"), "epochs", "second time"
    ),
    broken("a section twice", append("config.yaml", "\nkstar: {}\n"), "kstar", "second time"),
    broken("two documents", append("config.yaml", "\n---\na: 1\n"), "not valid YAML"),
    broken("an unknown alias", replace("config.yaml", "dataset: digits", "dataset: *digits"), "undefined alias"),
    broken("an alias within its own value", append("config.yaml", "\na: &a {b: *a}\n"), "must not contain itself"),
    Mistake(
        "config.yaml: a pipe",
        ("config.yaml", "a pipe, a socket or a device"),
        several(remove("config.yaml"), pipe("config.yaml")),
        "default",
    ),
    broken("Latin-1", recoded("latin-1"), ":1: byte 0xe9", "encoding UTF-8"),
    broken("UTF-16", recoded("utf-16"), "not UTF-8", "encoding UTF-8"),
    broken("a zero byte", replace("config.yaml", "dataset: digits", "dataset: digits\0"), "character U+0000"),
    broken("Python in YAML", b"datasets: !!python/object/apply:os.system [touch evil]\n", "not valid YAML"),
    Mistake(
        "config.yaml: a template that runs Python",
        ("__use_yte__", "not a known key"),
        write("config.yaml", f"__use_yte__: true\n{shipped('default')}\ntransforms2: ?open('evil', 'w')\n"),
        "default",
    ),
    broken("missing", remove("config.yaml"), "cannot be read: no such file", "name a YAML file that is there"),
    Mistake(
        "config.yaml: a folder",
        ("config.yaml", "cannot be read: is a directory"),
        remove("config.yaml"),
        files=A_FOLDER,
    ),
    Mistake(
        "--configfile: a key twice",
        ("own.yaml:2: datasets", "second time"),
        files={"own.yaml": b"datasets: {}\ndatasets: {}\n"},
        arguments=("-n", "--configfile", "own.yaml"),
    ),
    Mistake(
        "--configfile: a wrong value in a second file",
        ("kstar.threshold: 0", "must be greater than 0"),
        files={"own.yaml": b"kstar: {threshold: 0}\n"},
        arguments=("-n", "--configfile", "configs/miniature.yaml", "own.yaml"),
    ),
]

EVERY_COMMAND = [
    Mistake(
        f"a mistake under {' '.join(arguments) or 'plain snakemake'}",
        ("kstar.threshold: 0", "greater than 0"),
        setting("kstar/threshold", 0),
        arguments=arguments,
    )
    for arguments in ((), ("-n", "--quiet"), ("--lint",), ("--report", "report.html"), ("--unlock",), ("--summary",))
]

COMMAND_LINE = [
    override("models=3", "models: 3", "must be a mapping"),
    override("nonsense=1", "nonsense: 1", "not a known key"),
    override("kstar={threshold: 0}", "kstar.threshold: 0", "greater than 0"),
    override("kstar={threshold: 1", "--config kstar:1", "not valid YAML"),
    override("datasets=", "datasets: null", "must be a mapping"),
    override("epochs", "entries have to be defined as name=value pairs", when="snakemake"),
    override("kstar.threshold=1", "must start with a valid identifier", when="snakemake"),
    configfile("missing", None, "No such file or directory: 'own.yaml'"),
    configfile("a folder", None, "Is a directory: 'own.yaml'"),
    configfile("empty", b"", "keys at top level"),
    configfile("a list", b"- a\n", "keys at top level"),
    configfile("a tab", b"a:\n\tb: 1\n", "not valid JSON or YAML"),
    configfile("Latin-1", b"a: caf\xe9\n", "can't decode byte 0xe9"),
    target("results/kstar/nonsense.zarr.zip"),
    target("nonsense", "the targets are checkpoints, features"),
    target("figurs", "write figures"),
    target("results/datasets/cats/train.zarr.zip"),
    target("results/features/digits_cnn/cats/seed-0/interval-100/test/original/logits.zarr.zip"),
    target("results/features/digits_cnn/digits/seed-0/interval-100/val/original/logits.zarr.zip"),
    target("results/checkpoints/digits_cnn/seed-2/interval-100.pt"),
    target("results/checkpoints/digits_cnn/seed-0/interval-33.pt"),
    target("results/features/digits_cnn/digits/seed-0/interval-100/test/turned/logits.zarr.zip"),
    target("results/kstar/digits_cnn/digits/seed-0/interval-100/test/original/logits/manhattan.zarr.zip"),
    target("results/maps/digits_cnn/digits/seed-0/interval-100/test/original/logits/lda.parquet"),
    target("results/studies/kstar/nonsense/classes.csv"),
]
