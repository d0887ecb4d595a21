"""Words of messages."""

import pytest

from workflow_lib.errors import nearest


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("airplan", ["airplane", "automobile"], "airplane"),
        ("Dog", ["cat", "dog"], "dog"),
        ("resnet_18", ["resnet18", "resnet34"], "resnet18"),
        ("resnet", ["resnet18", "vgg"], "resnet18"),
        ("class7s", ["class7", "class8"], "class7"),
        ("10", ["0", "1"], None),
        ("01", ["0", "1"], None),
        ("class10", ["class1", "class100"], None),
        ("resnet51", ["resnet50", "resnet152"], "resnet50"),
        ("ab", ["a", "b"], None),
        ("a", ["b"], None),
        ("zebra", [], None),
    ],
)
def test_a_name_is_suggested_only_where_it_may_be_meant(name, known, found):
    assert nearest(name, known) == found
