"""The contract of what runs again: after each edit exactly the jobs that its row names are started and computed."""

import rows_code
import rows_config
import rows_confusion
import rows_examined
import rows_files
import rows_own
import rows_prototypes
import rows_relations
import rows_sound
import rows_stages
import rows_text
from row import Row

SECTIONS: dict[str, list[Row]] = {
    "Nothing that counts": rows_files.NOTHING,
    "Results moved, deleted or asked for again": rows_files.RESULTS,
    "How it is run": rows_files.RUNTIME,
    "Studies": rows_config.STUDIES,
    "More and less": rows_config.LISTS,
    "Stages on growing parts of the data": rows_stages.STAGES,
    "Data and models": rows_own.SETTINGS,
    "Sounds": rows_sound.SOUND,
    "Texts and tables of numbers": rows_text.TEXT,
    "Models on other data, unions and weights of other models": rows_examined.EXAMINED,
    "Prototypes": rows_prototypes.PROTOTYPES,
    "Confusion": rows_confusion.CONFUSION,
    "Relations between classes": rows_relations.RELATIONS,
    "Files and functions of your own": rows_own.FILES,
    "Code and libraries": rows_code.CODE,
}
"""All rows, under the headings of docs/appendix/contract.md."""


def cases() -> list[Row]:
    """All rows, in the order of the page."""
    return [row for section in SECTIONS.values() for row in section]
