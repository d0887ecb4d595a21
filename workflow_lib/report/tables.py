"""What the tables of studies are, in a few words each (docs/outputs.md says more)."""

FIRST = {"kstar": "classes", "prototypes": "sets", "confusion": "effects", "relations": "correlations"}
"""The table of each family that is open."""

COLUMNS = {
    "kstar": "outputs.md#tables-and-figures-of-studies",
    "prototypes": "prototypes.md#tables",
    "confusion": "confusion.md#tables",
    "relations": "relations.md#tables-and-figures",
}
"""Where the columns of the tables of each family are explained, below docs."""

MEANINGS = {
    "kstar": {
        "classes": "k* of each class: mean, skewness, pattern, accuracy",
        "aggregates": "Patterns: number of classes, and means over them",
        "pieces": "Pieces of each class",
        "examples": "Samples of Fractured classes worth a look",
        "seeds": "Seeds together: means, and how many show each pattern",
        "trend": "Rank correlations over all rows",
    },
    "prototypes": {
        "sets": "Sets of prototypes: C and R, and how many converged",
        "intervals": "C and R at each interval, over the sets",
        "tests": "Tests of C against R, paired over classes",
        "pairs": "C and R of each pair of classes",
        "histograms": "Distributions of C and R in bins",
        "quality": "Measures of quality without data, and the accuracy",
        "quality_trend": "Rank correlations of these measures with the accuracy",
        "boundary_images": "Images on the boundary of each pair of classes",
        "boundary_intervals": "Boundary images at each interval",
        "boundary_dissimilarity": "Dissimilarity of boundary images to one another",
    },
    "confusion": {
        "effects": "Effects of losing a class on each other class, with tests",
        "groups": "Tests of groups of classes",
        "runs": "Accuracy of each class in each training",
        "means": "Accuracy of each class under each pair, over the seeds",
        "pairs": "Pairs: their own accuracy, that of the others, and diverged trainings",
        "shares": "Confusion matrices, as shares of the true class",
        "losses": "Training loss in each epoch",
    },
    "relations": {
        "class_pairs": "All measures of each pair of classes",
        "measures": "What each measure is, and where it comes from",
        "correlations": "Rank correlations between measures, with tests",
    },
}
"""Tables by family and name of the file."""
