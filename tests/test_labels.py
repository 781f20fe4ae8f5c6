"""What users type as names and tags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbon_magic import labels


@given(st.text())
def test_any_text_becomes_a_printable_name_that_utf8_can_hold(text):
    name = labels.name(text, "default")
    assert name
    assert len(name) <= labels.LONGEST
    name.encode("utf-8")
    assert "\0" not in name
    assert "\n" not in name


def test_a_megabyte_is_shortened_and_none_gives_the_default():
    assert len(labels.name("x" * 1_000_000, "d")) == labels.LONGEST
    assert labels.name(None, "cell 3") == "cell 3"
    assert labels.name(" \n ", "cell 3") == "cell 3"


@pytest.mark.parametrize("bad", [3, 1.5, b"bytes", ["list"], object()])
def test_a_name_that_is_no_text_is_refused_in_a_sentence(bad):
    with pytest.raises(TypeError, match="a name is a text"):
        labels.name(bad, "d")


def test_tags_keep_texts_and_numbers():
    assert labels.tags({"lr": 0.1, "opt": "sgd\0", "n": 3, "amp": True, "x": np.float32(0.5), "k": np.int64(2)}) == {
        "lr": 0.1, "opt": "sgd\ufffd", "n": 3, "amp": True, "x": 0.5, "k": 2,
    }  # fmt: skip
    assert labels.tags({"loss": float("nan")}) == {"loss": "nan"}
    assert labels.tags(None) == {}


def itself():
    tags = {}
    tags["me"] = tags
    return tags


@pytest.mark.parametrize("bad", [itself(), {"x": None}, {"x": [1]}, {3: "x"}, ["a"], "a=b", {"x": 10**5000}, {"": 1},
                                 {str(i): i for i in range(65)}, {"x": np.zeros(3)}])  # fmt: skip
def test_other_tags_are_refused_in_a_short_sentence(bad):
    with pytest.raises((TypeError, ValueError)) as error:
        labels.tags(bad)
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("bad", ["1x", "class", "a b", "", "a.b", "None"])
def test_a_variable_is_an_identifier(bad):
    with pytest.raises(ValueError, match="-o needs the name of a variable"):
        labels.variable(bad)


def test_a_mapping_that_raises_is_refused_in_a_sentence():
    class Broken(dict):
        def items(self):
            raise RuntimeError("boom")

    with pytest.raises(TypeError, match="the tags cannot be read: their Broken raised RuntimeError"):
        labels.tags(Broken(a=1))
