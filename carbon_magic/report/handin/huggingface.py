"""co2_eq_emissions for the metadata of a Hugging Face model card. Its emissions are GRAMS.

Fields: huggingface.co/docs/hub/model-cards-co2. Texts are double-quoted as in JSON, which is YAML, whatever is in them.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from ..project_words import counted
from . import wording

if TYPE_CHECKING:
    from . import Options
    from .facts import Facts


def write(facts: Facts, options: Options) -> str:
    """The block between two lines of dashes, as it stands on top of a model card."""
    project = facts.project
    whole = project.co2e_g
    final = project.final_co2e_g if project.final_energy_j else None
    fields: dict[str, Decimal | str] = {
        "emissions": Decimal(f"{final if final is not None else whole:.6g}"),
        "source": source(facts),
    }
    if options.training_type:
        fields["training_type"] = options.training_type
    fields["geographical_location"] = wording.several([part.name for part in facts.grids])
    if facts.hardware:
        fields["hardware_used"] = wording.several(list(facts.hardware))
    # Without an exponent: 1e-08 is a text to many who read YAML.
    values = {name: f"{v:f}" if isinstance(v, Decimal) else _quoted(v) for name, v in fields.items()}
    lines = [f"  {name}: {value}" for name, value in values.items()]
    return "\n".join(("---", "co2_eq_emissions:", *lines, "---", ""))


def source(facts: Facts) -> str:
    """What the figure is of, how sure it is, and what the rest took."""
    project = facts.project
    place = wording.several([f"{part.name} {part.year}" for part in facts.grids])
    how = f"{wording.known(facts)}; {wording.pue(facts)}; grid of {place}"
    whole = f"{wording.number(project.co2e_g)} g (90 % range {_range(facts)} g)"
    if not project.final_energy_j:
        said = f"the whole project, {counted(len(project.entries), 'run')}, failed ones included: {whole}"
    else:
        own = wording.span(*(project.final_co2e_g_range or (0.0, 0.0)))
        said = f"the final model's training (90 % range {own} g); the whole project, failed runs included, took {whole}"
    return f"carbon_magic {facts.version}: {said}; {how}"


def _range(facts: Facts) -> str:
    return wording.span(*facts.project.co2e_g_range)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
