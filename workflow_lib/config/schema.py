"""The JSON schema of the config, for completion in editors and for docs/config.md."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from workflow_lib.config.config import Config

ADDRESS = "https://json-schema.org/draft/2020-12/schema"


class _Strict(GenerateJsonSchema):
    """A schema that refuses malformed names, and has no titles, which would only repeat the keys."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Mapping with names as keys."""
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """Keep the order of keys of the model."""
        return value

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No field gets a title."""
        return False


def schema() -> dict[str, Any]:
    """JSON schema of the whole config as `load` accepts it, including short forms."""
    made = Config.model_json_schema(schema_generator=_Strict, mode="validation")
    return {"$schema": ADDRESS, "title": "Latent Atlas config"} | {
        key: value for key, value in made.items() if key != "title"
    }
