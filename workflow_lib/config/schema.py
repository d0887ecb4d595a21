"""The config as a JSON schema, from which editors complete and docs/config.md is written."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from workflow_lib.config.config import Config

ADDRESS = "https://json-schema.org/draft/2020-12/schema"


class _Strict(GenerateJsonSchema):
    """Refuses names of the wrong form, and leaves out the titles, which only repeat the keys."""

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Mapping with names as keys."""
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """Keys stay in the order in which the model has them."""
        return value

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No field gets a title."""
        return False


def schema() -> dict[str, Any]:
    """JSON schema of the whole config, as `load` takes it (short forms included)."""
    made = Config.model_json_schema(schema_generator=_Strict, mode="validation")
    return {"$schema": ADDRESS, "title": "Latent Atlas config"} | {
        key: value for key, value in made.items() if key != "title"
    }
