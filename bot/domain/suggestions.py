"""What an option's autocomplete offers, following what was already chosen."""

from collections.abc import Mapping, Sequence

from bot.domain.catalogue import PARAMETER_OF, Catalogue, Model

MOST = 25
"""Discord shows no more."""


def suggest(
    catalogue: Catalogue, usable: Sequence[str], option: str, typed: str, chosen: Mapping[str, object], *, edit: bool
) -> Sequence[tuple[str, str]]:
    """Values and labels for an option, those that fit what was typed. `chosen` is not checked yet.

    `usable` are the models that may be used, the usual one first.
    """
    if option == "model":
        models = [catalogue.models[name] for name in usable if _can(catalogue.models[name], chosen, edit=edit)]
        found = [(one.name, f"{one.title} (usual)" if one.name == usable[0] else one.title) for one in models]
    else:
        model = catalogue.models.get(str(chosen.get("model") or usable[0]))
        parameter = model.endpoint(edit=edit).parameters.get(PARAMETER_OF.get(option, "")) if model else None
        if parameter is None:
            return []
        found = [(value, f"{value} (usual)" if value == parameter.default else value) for value in parameter.values]
    wanted = typed.strip().lower()
    return [(value, label) for value, label in found if wanted in value.lower() or wanted in label.lower()][:MOST]


def _can(model: Model, chosen: Mapping[str, object], *, edit: bool) -> bool:
    """Whether the model has every value that was chosen so far."""
    parameters = model.endpoint(edit=edit).parameters
    for option, value in chosen.items():
        name = PARAMETER_OF.get(option)
        if name is not None and value not in (None, "") and option != "images":
            parameter = parameters.get(name)
            if parameter is None or not parameter.accepts(value):
                return False
    return True
