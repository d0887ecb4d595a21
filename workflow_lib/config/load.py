"""Make a Config from a mapping or a file, or raise one error with all problems."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from workflow_lib.config import sense
from workflow_lib.config.config import Config
from workflow_lib.config.keys import with_text_keys
from workflow_lib.config.kinds import kind_of
from workflow_lib.config.relations import PARTS
from workflow_lib.config.translate import translate
from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.errors import Problem, UserError
from workflow_lib.names import ORIGINAL


def load(raw: Mapping[str, Any], origin: str = "config.yaml", *, check_files: bool = True) -> Config:
    """Validate a config.

    Args:
        raw: content of the YAML file: mappings, lists, text, numbers, true, false and null.
        origin: name of the file, for messages about the whole file.
        check_files: whether the files named in the config must exist.

    Raises:
        UserError: with every problem found. Contradictions in a dataset, model, transform or study are reported
            only if its values are well formed, and only if every section is a mapping.
    """
    if not isinstance(raw, Mapping) or not raw:
        raise UserError(
            Problem(origin, "", "must be a mapping with the section datasets", "see docs/config.md for the keys")
        )
    found: list[Problem] = []
    raw = with_text_keys(raw, found)
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        found.extend(translate(error, raw))
        if _lacks_a_section(error):
            raise UserError(*found) from None
        config = Config.model_validate(_well_formed(raw, error))
    found.extend(sense.problems(config, _names(raw), check_files))
    if found:
        raise UserError(*found)
    return config


def read(path: Path, *, check_files: bool = True) -> Config:
    """Read and validate a YAML file. Raises UserError like `load`, or if the file is missing, broken, ..."""
    return load(read_mapping(path), str(path), check_files=check_files)


def _lacks_a_section(error: ValidationError) -> bool:
    """Whether a whole section is missing or malformed, so that references to it cannot be checked."""
    return any(
        len(found["loc"]) == 1 and found["loc"] != ("results",) and found["type"] != "extra_forbidden"
        for found in error.errors()
    )


def _well_formed(raw: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
    """The config without the entries (datasets, models, studies, ...) that contain an error."""
    config: dict[str, Any] = {
        section: dict(entries) for section, entries in raw.items() if isinstance(entries, Mapping)
    }
    for section in config.values():
        if isinstance(section.get("studies"), Mapping):
            section["studies"] = dict(section["studies"])
    for details in error.errors(include_url=False, include_input=False, include_context=False):
        *parents, last = _entry(details["loc"])
        holder: Any = config
        for key in parents:
            holder = holder.get(key, {})
        holder.pop(last, None)
    return config


def _entry(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Keys of the entry that contains a location: (section, name), or (section, studies, name)."""
    return loc[:3] if loc[1:2] == ("studies",) else loc[:2]


def _names(raw: Mapping[str, Any]) -> sense.Names:
    """All names in the sections, also of entries with errors. The sections must be mappings."""
    datasets, models, transforms = (raw.get(section, {}) for section in ("datasets", "models", "transforms"))
    kinds = {
        name: kind_of(dataset.get("source") if isinstance(dataset, Mapping) else None)
        for name, dataset in datasets.items()
    }
    named = {section: raw.get(section, {}).get("studies") for section in PARTS}
    studies = {section: tuple(found) if isinstance(found, Mapping) else () for section, found in named.items()}
    return sense.Names(kinds, tuple(models), (ORIGINAL, *transforms), studies)
