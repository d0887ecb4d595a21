"""Words of the figures for each mode of mistraining (docs/science.md 3.2)."""

CONFUSED = {"swap": "confused", "one_way": "relabelled", "drop": "left out", "random": "randomly labelled"}
"""What happened to a class, by mode."""

DONE = {
    "swap": "In training, a share of each class of a pair had the label of the other.",
    "one_way": "In training, a share of the first class of a pair had the label of the second.",
    "drop": "A share of each class of a pair was left out of training.",
    "random": "In training, a share of each class of a pair had random labels other than its own.",
}
"""What was done to a pair, by mode."""
