"""Rows: sound files, of the network that hears tones in sound_project.py."""

from functools import partial

from edits import put, touch, write
from row import Row
from sound_project import tone

CHECK = "check_network/heard"
HEARD = f"prepare_dataset/tones {CHECK} */heard/*"

_row = partial(Row, base="sound", stages="kstar")

SOUND = [
    _row("sound files touched", touch("data/*")),
    _row("a sound file replaced by an equal one", write("data/low_al_0.wav", tone(200))),
    _row(
        "a sound file of the test split replaced",
        write("data/low_bo_2.wav", tone(300)),
        starts=HEARD,
        computes="prepare_dataset/tones extract_features/heard/* compute_kstar/heard/*",
        because="the training split comes out equal",
    ),
    _row("a sound file of the training split replaced", write("data/low_al_0.wav", tone(300)), starts=HEARD),
    _row(
        "a file added beside the sounds that no table names",
        write("data/notes.txt", "Recorded at home."),
        starts=HEARD,
        computes="prepare_dataset/tones",
        because="both splits come out equal",
    ),
    _row("the number of mel bands", put("datasets.tones.n_mels", 12), starts=HEARD),
]
