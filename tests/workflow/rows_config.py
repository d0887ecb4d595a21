"""Rows: the studies of `config.yaml`, and lists that grow and shrink."""

from edits import put, rename, several, take_out
from project import Project
from row import STUDY_JOBS, Row
from rows_files import AFTER_CLASSES, MODEL

STUDIES_KEY = "kstar.studies"
TABLES = "tabulate_kstar/* render_tables/*"


def _names_swapped(project: Project) -> None:
    def change(config):
        studies = config["kstar"]["studies"]
        studies["training"], studies["metrics"] = studies["metrics"], studies["training"]

    project.edit_config(change)


STUDIES = [
    Row(
        "another folder of results",
        put("results", "results/other"),
        starts="*",
        computes="",
        because="the cache is shared",
    ),
    Row("the k\\* threshold", put("kstar.threshold", 100), starts=AFTER_CLASSES),
    Row("the definition of skewness", put("kstar.skewness", "plain"), stages="tables", starts=TABLES),
    Row(
        "the number of neighbours that are counted",
        put("kstar.neighbours", 5),
        starts="count_neighbours/* draw_neighbours/*",
    ),
    Row(
        "whether vectors of zeros are left out under cosine, where there are none",
        put("kstar.on_zero", "leave_out"),
        starts="compute_kstar/*/cosine */metrics !draw_neighbours/metrics",
        computes="compute_kstar/*/cosine",
        equal=True,
        because="the same k\\* comes out, so that all that is made from it is restored",
    ),
    Row(
        "approximate k\\* (of one layer; the others in the same way)",
        put("kstar.approximate", {"neighbours": 5, "check": 20}),
        stages="results/kstar/digits_cnn/digits/seed-0/interval-100/test/original/logits/euclidean.zarr.zip",
        starts="approximate_kstar/*",
    ),
    Row(
        "the arrays asked for, with another threshold, of which they know nothing",
        put("kstar.threshold", 100),
        stages="arrays",
        starts="collect_kstar/*",
    ),
    Row("the number of samples on a map", put("kstar.maps.samples", 20), starts="compute_map/* draw_maps/*"),
    Row(
        "the seed of the maps, where it changes nothing (PCA of all samples)",
        put("kstar.maps.seed", 1),
        starts="compute_map/* draw_maps/*",
        computes="compute_map/*",
        equal=True,
        because="the maps come out equal, so that the figure is restored",
    ),
    Row(
        "a method added to the maps of a study",
        put(f"{STUDIES_KEY}.metrics.maps", ["pca", "isomap"]),
        starts="compute_map/*/isomap draw_maps/*",
    ),
    Row(
        "the title of a study",
        put(f"{STUDIES_KEY}.training.title", "Another title"),
        starts="render_tables/training draw_*/training",
    ),
    Row(
        "the description of a study",
        put(f"{STUDIES_KEY}.training.description", "What it asks."),
        starts="render_tables/training",
    ),
    Row(
        "the classes that the pictures of a study show",
        put(f"{STUDIES_KEY}.training.classes", ["0", "1"]),
        starts="render_tables/training draw_*/training !draw_accuracy_vs_kstar/training",
    ),
    Row(
        "a metric added to a study",
        put(f"{STUDIES_KEY}.metrics.metric", ["euclidean", "cosine", "cityblock"]),
        starts="*/cityblock */metrics !draw_neighbours/metrics",
    ),
    Row(
        "a metric taken out of a study",
        put(f"{STUDIES_KEY}.metrics.metric", "euclidean"),
        stages="tables",
        starts="*/metrics",
    ),
    Row(
        "two metrics of a study swapped: the first one is mapped",
        put(f"{STUDIES_KEY}.metrics.metric", ["cosine", "euclidean"]),
        starts="count_neighbours/*/cosine */metrics",
    ),
    Row(
        "the order of a model's layers",
        several(take_out(f"{MODEL}.layers.early"), put(f"{MODEL}.layers.early", {"module": "conv1", "pool": "avg"})),
        stages="tables",
        starts=TABLES,
    ),
    Row(
        "a study added on points that are there",
        put(f"{STUDIES_KEY}.late", {"model": "digits_cnn", "interval": [50, 100]}),
        starts="*/late",
    ),
    Row(
        "a study added that shares points with another",
        put(f"{STUDIES_KEY}.angles", {"model": "digits_cnn", "interval": "all", "metric": "cosine"}),
        stages="tables",
        starts="*/interval-25/*/cosine */interval-50/*/cosine */angles",
    ),
    Row("a study renamed", rename(f"{STUDIES_KEY}.training", "progress"), starts="*/progress", computes=""),
    Row("the names of two studies swapped", _names_swapped, starts=STUDY_JOBS, computes="", equal=False),
]

LISTS = [
    Row(
        "a layer added that no study names, another one changed",
        several(
            put(f"{STUDIES_KEY}.training.layer", ["early", "logits"]),
            put(f"{STUDIES_KEY}.metrics", {"model": "digits_cnn", "layer": "logits"}),
            put(f"{MODEL}.layers.early.pool", "max"),
            put(f"{MODEL}.layers.unseen", "conv2"),
            put(f"{MODEL}.seeds", [0]),
        ),
        stages="features",
        starts="extract_features/*",
    ),
    Row(
        "a seed added to a model", put("models.net.seeds", [0, 1]), base="own", stages="kstar", starts="*/net/*seed-1/*"
    ),
    Row("a seed taken out", put(f"{MODEL}.seeds", [0]), starts=AFTER_CLASSES),
    Row(
        "an interval added",
        several(put(f"{MODEL}.intervals", [25, 50, 75, 100]), put(f"{MODEL}.seeds", [0])),
        stages="kstar",
        starts="*/interval-75* */interval-100*",
        computes="*/interval-75*",
        because="training goes on from the interval before, which is another file now; the result is the same",
    ),
    Row(
        "an interval taken out",
        put(f"{MODEL}.intervals", [25, 100]),
        starts="*/training !draw_neighbours/training",
    ),
    Row(
        "a transform added, and given to a study",
        several(
            put("transforms.turned", {"kind": "rotation", "degrees": 30}),
            put(f"{STUDIES_KEY}.metrics.transform", ["original", "turned"]),
            put(f"{STUDIES_KEY}.metrics.seed", 0),
        ),
        stages="kstar",
        starts="*/test-turned */turned/*",
    ),
    Row(
        "a split added to a study",
        several(
            put(f"{STUDIES_KEY}.metrics.split", ["test", "train"]),
            put(f"{STUDIES_KEY}.metrics.seed", 0),
            put(f"{STUDIES_KEY}.metrics.layer", "logits"),
        ),
        stages="kstar",
        starts="*/train-original */train/*",
    ),
]
