"""What a setting does not take is told in a sentence that names it, wherever it was given."""

import pytest

import carbon_magic
from carbon_magic import config
from carbon_magic.checks import CHECKS

WRONG = {"place": 5, "places": 5, "units": 5, "equivalents": 5, "project": 5, "ledger": 5, "wall": 5, "live": 5,
         "live_zone": 5, "contract_source": 5, "price": b"x", "cloud_price": b"x", "quiet": "perhaps", "precise": "perhaps",
         "store": "paper", "pue": "x", "hz": "x", "embodied_kg": "x", "embodied_years": "x", "embodied_share": "x",
         "contract_g_per_kwh": "x", "budget": "x", "session_budget": "x", "project_budget": "x"}  # fmt: skip
NAMED = {"live": "live service", "wall": "address of a meter", "hz": "rate in Hz", "embodied_kg": "kilograms",
         "embodied_years": "lifetime", "embodied_share": "share", "contract_g_per_kwh": "contract's factor", "pue": "PUE",
         "contract_source": "contract's source", "live_zone": "live zone", "cloud_price": "price", "session_budget": "budget",
         "project_budget": "budget"}  # fmt: skip


def test_there_is_a_wrong_value_for_each():
    assert set(WRONG) == set(CHECKS)


@pytest.mark.parametrize("name", WRONG)
def test_the_sentence_names_what_it_is_about(name):
    with pytest.raises((ValueError, TypeError)) as error:
        CHECKS[name](WRONG[name])
    assert NAMED.get(name, name) in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("options", "said"),
    [({"project": 5}, "a project is a text, not int"), ({"project": "x" * 1001}, "a project is a text of at most 1,000"),
     ({"quiet": "perhaps"}, "quiet is yes or no, not 'perhaps'")],
)  # fmt: skip
def test_a_block_says_it_at_once(options, said):
    with pytest.raises((ValueError, TypeError), match=said), carbon_magic.track("x", **options):
        pass


def test_outside_a_cell_it_is_one_clause_with_its_place(monkeypatch):
    monkeypatch.setattr(config, "overrides", {"project": 5})
    settings, problems = config.current({}, {"CARBON_MAGIC_PRECISE": "perhaps"})
    assert settings.project is None
    assert sorted(problems) == [
        "%config project: a project is a text, not int",
        "CARBON_MAGIC_PRECISE: precise is yes or no, not 'perhaps'",
    ]
