"""The form of an edit: which image, what to change, model and size with the price, shape, more pictures."""

from collections.abc import Iterator
from dataclasses import replace

import discord
from discord import ui

from bot import texts
from bot.domain.catalogue import Catalogue, Model
from bot.domain.drafts import Draft
from bot.domain.order import PROMPT_LIMIT
from bot.views.forms import Form, empty_form
from bot.views.items import panel_button, row
from bot.views.words import note

MOST_OPTIONS, MOST_FILES = 25, 10
"""Discord's limits of a select and of an upload."""


def edit_form(draft: Draft, catalogue: Catalogue, title: str = texts.EDIT_IMAGE) -> ui.Modal:
    """Five fields at most, which is all that Discord allows; without a choice of images it has four."""
    form = empty_form("edit", draft.id, title)
    if len(draft.images) > 1:
        form.add_item(_label(texts.FORM_IMAGES, _images(draft), texts.FORM_IMAGES_HINT))
    prompt = ui.TextInput[ui.Modal](
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        default=draft.prompt or None,
        placeholder=texts.FORM_PROMPT_HINT,
        max_length=PROMPT_LIMIT,
    )
    form.add_item(_label(texts.FORM_PROMPT, prompt))
    form.add_item(_label(texts.FORM_SIZE, _sizes(draft, catalogue), texts.FORM_SIZE_HINT))
    form.add_item(_label(texts.FORM_SHAPE, _shapes(draft, catalogue)))
    files = ui.FileUpload[ui.Modal](custom_id="files", required=False, min_values=0, max_values=MOST_FILES)
    kept = texts.files_kept(len(draft.more)) if draft.more else texts.FORM_FILES_HINT
    form.add_item(_label(texts.FORM_FILES, files, kept))
    return form


def filled(draft: Draft, form: Form) -> Draft:
    """The draft as its member sent it; what no form of ours could hold is left as it was."""
    given = form.choices.get("images", [])
    picked = tuple(int(one) for one in given if one.isdecimal() and 1 <= int(one) <= len(draft.images))
    model, _, resolution = next(iter(form.choices.get("size", [])), draft.model).partition("|")
    shape = next(iter(form.choices.get("shape", [])), "")
    return replace(
        draft,
        picked=picked or draft.picked,
        prompt=form.texts.get("prompt", ""),
        model=model,
        choices=replace(draft.choices, resolution=resolution or None, aspect_ratio=shape or None),
        more=(*draft.more, *form.files.get("files", [])),
    )


def refused_form(sentence: str, draft_id: str) -> ui.LayoutView:
    """What was wrong, with the way back: a form cannot be answered with a form."""
    view = note(f"{sentence}\n-# {texts.KEPT_PROMPT}")
    view.add_item(row(panel_button("draft", "open", draft_id, label=texts.TRY_AGAIN)))
    return view


def _label(text: str, component: ui.Item[ui.Modal], description: str | None = None) -> ui.Label[ui.Modal]:
    return ui.Label(text=text, component=component, description=description)


def _images(draft: Draft) -> ui.Select[ui.Modal]:
    options = [
        discord.SelectOption(
            label=texts.image_option(position, one.filename, made=one.made is not None),
            value=str(position),
            default=position in draft.picked,
        )
        for position, one in enumerate(draft.images[:MOST_OPTIONS], start=1)
    ]
    return ui.Select(custom_id="images", options=options, min_values=1, max_values=len(options), required=True)


def _sizes(draft: Draft, catalogue: Catalogue) -> ui.Select[ui.Modal]:
    """Model and size in one list: nothing can be chosen that does not go together, and each has its price."""
    options = [
        discord.SelectOption(
            label=texts.size_option(model.title, resolution, price),
            value=f"{model.name}|{resolution}",
            default=model.name == draft.model and resolution == _resolution(draft, model),
        )
        for model, resolution, price in _priced(catalogue)
    ]
    return ui.Select(custom_id="size", options=options[:MOST_OPTIONS], required=True)


def _priced(catalogue: Catalogue) -> Iterator[tuple[Model, str, int]]:
    for model in catalogue.models.values():
        parameters = model.edit.parameters
        defaults = {name: one.default for name, one in parameters.items()}
        sizes = parameters["resolution"].values if "resolution" in parameters else ("",)
        for resolution in sizes:
            yield model, resolution, model.cost(defaults | {"resolution": resolution}, 1)


def _resolution(draft: Draft, model: Model) -> str:
    parameter = model.edit.parameters.get("resolution")
    return str(draft.choices.resolution or parameter.default) if parameter else ""


def _shapes(draft: Draft, catalogue: Catalogue) -> ui.Select[ui.Modal]:
    """The shapes of all models; one that the chosen model lacks is told when the form is sent."""
    parameters = [one.edit.parameters.get("aspect_ratio") for one in catalogue.models.values()]
    every = dict.fromkeys(value for parameter in parameters if parameter for value in parameter.values)
    chosen = draft.choices.aspect_ratio or "auto"
    options = [
        discord.SelectOption(
            label=texts.FORM_SHAPE_AUTO if value == "auto" else value, value=value, default=value == chosen
        )
        for value in every
    ]
    return ui.Select(custom_id="shape", options=options[:MOST_OPTIONS], required=True)
