"""Make docs/config.md from the JSON schema: type, default, allowed values and meaning of each key."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from workflow_lib.config.attacks import RATIO
from workflow_lib.config.datasets_images import CHARACTERS
from workflow_lib.config.datasets_text import ENCODER, LIBRARIES, TFIDF
from workflow_lib.config.fields import ALL, FUNCTION, NAME
from workflow_lib.config.models import ARCHITECTURE
from workflow_lib.errors import listed
from workflow_lib.models.architectures import ARCHITECTURES, TIMM, TORCHVISION

Schema = dict[str, Any]

INTRODUCTION = """\
# Config

<!-- Generated from workflow_lib/config; to change it: python -m workflow_lib.config.generate -->

`config.yaml` says what is computed. Set threads, memory and devices in a profile instead. `snakemake` checks the config
when it starts and lists all mistakes at once: the key, what is allowed and what to do. An unknown key is a mistake.
`NAME` is a name that you choose: lower-case letters, digits and `_`. **required** means that a key has no default.

An editor with a YAML language server completes and checks the keys if the file begins with

```yaml
# yaml-language-server: $schema=docs/config.schema.json
```

YAML traps: write `1.0e-3` or `0.001` (YAML reads `1e-3` as text), and put quotes around class names such as
`"no"`, `"off"` or `"7"`.

You can give single values on the command line: `snakemake --config "kstar={threshold: 0.7}"`. If you give several files
after `--configfile`, later files override earlier ones.

## When something is wrong

```text
2 problems:
models.digits_cnn.training.lrr: 0.01
    is not a known key here; known keys are: epochs, batch_size, optimizer, lr, …
    -> write lr instead
datasets.own.function: my_data:laod
    my_data.py defines no laod; it has: load
    -> write my_data:load
```

Each problem says where it is and what was found, then what is allowed, then what to do. Every command, also
`snakemake -n`, reports mistakes in the config, in paths and in the source of your own functions before it runs or
changes anything. Some mistakes show only in the data or the network, such as a damaged image or a missing layer of
your own network. The first job that reads them reports these in the same form. The run goes on with
what does not depend on it, leaves no partial files, and names the mistake at its end, with the log of the job.

`latent-atlas run` reports the mistake and its line if a config file is missing, not UTF-8 or not YAML. Plain
`snakemake` reads these files before the workflow starts, and reports such mistakes in its own words.
A path that names no result of the config, and a target that there is not, are told in this form, too.
"""

NOUNS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
    "object": "mapping",
}
PATTERNS = {
    NAME: "a name",
    FUNCTION: "module:name",
    RATIO: "a ratio",
    CHARACTERS: "two or more different letters and digits",
    ENCODER: f"{TFIDF}, {listed(f'{library}/FOLDER' for library in LIBRARIES)}",
    ARCHITECTURE: f"{listed(ARCHITECTURES)}, {TORCHVISION}NAME, {TIMM}NAME, module:function",
}
BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}
UNBOUNDED = 2**63 - 1
"""Upper bound of seeds, which the tables leave out."""


def reference(schema: Schema) -> str:
    """The page, for the JSON schema of the whole config."""
    definitions = schema["$defs"]
    parts = [INTRODUCTION]
    for section, content in schema["properties"].items():
        parts.append(f"## {section}\n\n{content['description']}\n")
        described = set()
        for path, name in _parts(section, content, definitions):
            if name not in described:
                parts += _described(path, definitions[name])
            described.add(name)
    return "\n".join(parts)


def _parts(path: str, content: Schema, definitions: dict[str, Schema]) -> Iterator[tuple[str, str]]:
    """Path and name of each definition that the value of a key can have, and of the definitions inside it."""
    if NAME in content.get("patternProperties", {}):
        yield from _parts(f"{path}.NAME", content["patternProperties"][NAME], definitions)
    for choice in (*content.get("oneOf", ()), *content.get("anyOf", ()), content):
        name = choice.get("$ref", "").rpartition("/")[2]
        if name:
            yield path, name
            for key, inner in definitions[name].get("properties", {}).items():
                yield from _parts(f"{path}.{key}", inner, definitions)


def _described(path: str, definition: Schema) -> Iterator[str]:
    """Heading, meaning, table of keys and example of one definition."""
    required = definition.get("required", ())
    chosen_by = next((key for key in ("source", "kind") if key in required), None)
    choice = f" with {chosen_by}: {_allowed(definition['properties'][chosen_by])}" if chosen_by else ""
    yield f"### `{path}`{choice}\n\n{definition['description']}\n"
    yield "| Key | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|"
    for key, content in sorted(definition["properties"].items(), key=lambda item: item[0] not in required):
        default = "**required**" if key in required else f"`{json.dumps(content.get('default'))}`"
        cells = (f"`{key}`", _type(content), default, _allowed(content), content["description"])
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
    yield ""
    for keys in definition.get("examples", ()):
        yield f"```yaml\n{_example(path, keys)}```\n"


def _type(content: Schema) -> str:
    """Type of a key's value."""
    if choices := content.get("anyOf") or content.get("oneOf"):
        *others, last = dict.fromkeys(_type(choice) for choice in choices)
        return f"{', '.join(others)} or {last}"
    if content.get("type") == "array":
        inner = _type(content["items"])
        return f"list of {inner.replace('list', 'lists', 1) if inner.startswith('list') else f'{inner}s'}"
    return ALL if content.get("const") == ALL else NOUNS[content.get("type", "object")]


def _allowed(content: Schema) -> str:
    """Allowed values of a key; empty if all values of its type are allowed."""
    return ", ".join(dict.fromkeys(_conditions(content)))


def _conditions(content: Schema) -> list[str]:
    """Allowed values and bounds, one by one; unions may give some of them twice."""
    words = [str(value) for value in content.get("enum", ())]
    words += [str(content["const"])] if content.get("const", ALL) != ALL else []
    words += [PATTERNS[content["pattern"]]] if "pattern" in content else []
    words += [text.format(content[key]) for key, text in BOUNDS.items() if content.get(key, UNBOUNDED) < UNBOUNDED]
    words += _conditions(content["items"]) + _length(content) if content.get("type") == "array" else []
    words += [word for choice in content.get("anyOf") or content.get("oneOf", ()) for word in _conditions(choice)]
    return words


def _length(content: Schema) -> list[str]:
    """Required number of entries of a list, if it is more than one."""
    least, most = content.get("minItems", 0), content.get("maxItems")
    return [f"{least} entries" if least == most else f"at least {least} entries"] if least > 1 else []


def _example(path: str, keys: Schema) -> str:
    """Keys of a definition as in the config, starting with the top-level section."""
    value: Any = keys
    for key in reversed(path.split(".")):
        value = {"example" if key == "NAME" else key: value}
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=None)
