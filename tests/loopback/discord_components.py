"""The rules for message and modal components, each refused the way Discord refuses it."""

from collections.abc import Callable
from typing import Any

from tests.loopback.discord_errors import FormErrors
from tests.loopback.discord_state import Json, flatten_components

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL, FILE_UPLOAD = 9, 10, 11, 12, 13, 14, 17, 18, 19
RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 21, 22, 23
SELECTS = (STRING_SELECT, 5, 6, 7, 8)
V2_TOP_LEVEL = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER)
IN_CONTAINER = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR)
IN_LABEL = (*SELECTS, TEXT_INPUT, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX)

MAX_COMPONENTS = 40
MAX_TEXT = 4000
LINK, PREMIUM = 5, 6
BUTTON_STYLES = range(1, 7)

Path = tuple[str | int, ...]


class ComponentRules:
    """Walks a component tree and writes down every broken rule."""

    def __init__(self, errors: FormErrors, *, file_names: set[str]) -> None:
        self.errors = errors
        self.file_names = file_names
        self._checks: dict[int, Callable[[Json, Path], None]] = {
            ROW: self._row,
            BUTTON: self._button,
            SECTION: self._section,
            TEXT: self._text_display,
            THUMBNAIL: self._thumbnail,
            GALLERY: self._gallery,
            FILE: self._file,
            SEPARATOR: lambda _component, _path: None,
            CONTAINER: self._container,
            **dict.fromkeys(SELECTS, self._select),
        }

    def check_message(self, components: list[Json], *, v2: bool) -> None:
        path: Path = ("components",)
        if v2:
            self._children(components, path, V2_TOP_LEVEL)
            self._totals(components, path)
        else:
            self._count(path, components, 0, 5)
            self._children(components, path, (ROW,))
        self._unique_ids(components)

    def check_modal(self, data: Json, path: Path = ("data",)) -> None:
        self._length(data, path, "title", 1, 45, required=True)
        self._length(data, path, "custom_id", 1, 100, required=True)
        components: list[Json] = data.get("components") or []
        self._count((*path, "components"), components, 1, 5)
        for index, component in enumerate(components):
            here = (*path, "components", index)
            if component.get("type") == LABEL:
                self._label(component, here)
            elif component.get("type") == ROW:
                self._children(component.get("components") or [], (*here, "components"), (TEXT_INPUT,))
            elif component.get("type") == TEXT:
                self._text_display(component, here)
            else:
                self._bad_type(here, component, (ROW, TEXT, LABEL))
        self._unique_ids(components, path)

    def _children(self, components: list[Json], path: Path, allowed: tuple[int, ...]) -> None:
        for index, component in enumerate(components):
            kind: Any = component.get("type")
            if kind not in allowed:
                self._bad_type((*path, index), component, allowed)
            elif kind == TEXT_INPUT:
                self._input(component, (*path, index))
            else:
                self._checks[kind](component, (*path, index))

    def _bad_type(self, path: Path, component: Json, allowed: tuple[int, ...]) -> None:
        values = ", ".join(map(str, allowed))
        message = f'Value of field "type" must be one of ({values}); got {component.get("type")!r}.'
        self.errors.add((*path, "type"), "UNION_TYPE_CHOICES", message)

    def _length(self, item: Json, path: Path, key: str, low: int, high: int, *, required: bool = False) -> None:
        value = item.get(key)
        if value is None:
            if required:
                self.errors.add((*path, key), "BASE_TYPE_REQUIRED", "This field is required")
        elif not isinstance(value, str):
            self.errors.add((*path, key), "STRING_TYPE_CONVERT", "Could not interpret as string.")
        elif not low <= len(value) <= high:
            message = f"Must be between {low} and {high} in length."
            self.errors.add((*path, key), "BASE_TYPE_BAD_LENGTH", message)

    def _count(self, path: Path, items: list[Any], low: int, high: int) -> None:
        if not low <= len(items) <= high:
            self.errors.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def _row(self, row: Json, path: Path) -> None:
        children: list[Json] = row.get("components") or []
        self._count((*path, "components"), children, 1, 5)
        self._children(children, (*path, "components"), (BUTTON, *SELECTS))
        if any(child.get("type") in SELECTS for child in children) and len(children) > 1:
            message = "The specified component exceeds the maximum width"
            self.errors.add((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)

    def _button(self, button: Json, path: Path) -> None:
        style: Any = button.get("style")
        if style not in BUTTON_STYLES:
            self.errors.add((*path, "style"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6).")
        self._length(button, path, "label", 0, 80)
        if style == LINK:
            self._length(button, path, "url", 1, 512, required=True)
        elif style == PREMIUM:
            self._length(button, path, "sku_id", 1, 20, required=True)
        else:
            self._length(button, path, "custom_id", 1, 100, required=True)
        if style != PREMIUM and not button.get("label") and not button.get("emoji"):
            self.errors.add(path, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A label or an emoji is required")

    def _select(self, select: Json, path: Path) -> None:
        self._length(select, path, "custom_id", 1, 100, required=True)
        self._length(select, path, "placeholder", 0, 150)
        if select["type"] == STRING_SELECT:
            self._options(select, path, 1, 25)

    def _options(self, item: Json, path: Path, low: int, high: int) -> None:
        options: list[Json] = item.get("options") or []
        self._count((*path, "options"), options, low, high)
        for index, option in enumerate(options):
            here = (*path, "options", index)
            self._length(option, here, "label", 1, 100, required=True)
            self._length(option, here, "value", 1, 100, required=True)
            self._length(option, here, "description", 0, 100)
        values = [option.get("value") for option in options]
        if len(set(values)) < len(values):
            message = "The specified option value is already used"
            self.errors.add((*path, "options"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)

    def _section(self, section: Json, path: Path) -> None:
        texts: list[Json] = section.get("components") or []
        self._count((*path, "components"), texts, 1, 3)
        self._children(texts, (*path, "components"), (TEXT,))
        accessory = section.get("accessory")
        if accessory is None:
            self.errors.add((*path, "accessory"), "BASE_TYPE_REQUIRED", "This field is required")
        elif accessory.get("type") in (BUTTON, THUMBNAIL):
            self._checks[accessory["type"]](accessory, (*path, "accessory"))
        else:
            self._bad_type((*path, "accessory"), accessory, (BUTTON, THUMBNAIL))

    def _text_display(self, text: Json, path: Path) -> None:
        self._length(text, path, "content", 1, MAX_TEXT, required=True)

    def _thumbnail(self, thumbnail: Json, path: Path) -> None:
        self._length(thumbnail, path, "description", 1, 1024)
        self._media(thumbnail.get("media"), (*path, "media"))

    def _gallery(self, gallery: Json, path: Path) -> None:
        items: list[Json] = gallery.get("items") or []
        self._count((*path, "items"), items, 1, 10)
        for index, item in enumerate(items):
            here = (*path, "items", index)
            self._length(item, here, "description", 1, 1024)
            self._media(item.get("media"), (*here, "media"))

    def _file(self, file: Json, path: Path) -> None:
        media: Json = file.get("file") or {}
        self._media(media, (*path, "file"))
        url = str(media.get("url"))
        if not url.startswith("attachment://") and "/attachments/" not in url:
            message = "Only attachment:// references are allowed here"
            self.errors.add((*path, "file", "url"), "UNFURLED_MEDIA_ITEM_ATTACHMENT_REQUIRED", message)

    def _media(self, media: Json | None, path: Path) -> None:
        url = str((media or {}).get("url") or "")
        self._length({"url": url}, path, "url", 1, 2048)
        if url.startswith("attachment://"):
            if url.removeprefix("attachment://") not in self.file_names:
                message = f"The referenced attachment was not found: {url}"
                self.errors.add((*path, "url"), "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", message)
        elif not url.startswith(("http://", "https://")):
            message = "Scheme must be one of ('http', 'https', 'attachment')."
            self.errors.add((*path, "url"), "URL_TYPE_INVALID_SCHEME", message)

    def _container(self, container: Json, path: Path) -> None:
        children: list[Json] = container.get("components") or []
        self._count((*path, "components"), children, 1, MAX_COMPONENTS)
        self._children(children, (*path, "components"), IN_CONTAINER)

    def _label(self, label: Json, path: Path) -> None:
        self._length(label, path, "label", 1, 45, required=True)
        self._length(label, path, "description", 1, 100)
        child: Json = label.get("component") or {}
        if child.get("type") not in IN_LABEL:
            self._bad_type((*path, "component"), child, IN_LABEL)
        else:
            self._input(child, (*path, "component"))

    def _input(self, item: Json, path: Path) -> None:
        kind = item["type"]
        self._length(item, path, "custom_id", 1, 100, required=True)
        if kind == TEXT_INPUT:
            self._length(item, path, "label", 1, 45)
            self._length(item, path, "value", 0, 4000)
            self._length(item, path, "placeholder", 0, 100)
        elif kind in SELECTS:
            self._select(item, path)
        elif kind == RADIO_GROUP:
            self._options(item, path, 2, 10)
        elif kind == CHECKBOX_GROUP:
            self._options(item, path, 1, 10)
        elif kind == FILE_UPLOAD and not 1 <= (item.get("max_values") or 1) <= 10:
            self.errors.add((*path, "max_values"), "NUMBER_TYPE_MAX", "int value should be between 1 and 10.")

    def _totals(self, components: list[Json], path: Path) -> None:
        flat = flatten_components(components)
        if len(flat) > MAX_COMPONENTS:
            message = f"The number of components has exceeded the maximum limit of {MAX_COMPONENTS}; got {len(flat)}."
            self.errors.add(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", message)
        length = sum(len(str(part.get("content", ""))) for part in flat if part.get("type") == TEXT)
        if length > MAX_TEXT:
            message = f"The total displayable text size has exceeded the maximum size of {MAX_TEXT}; got {length}."
            self.errors.add(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", message)

    def _unique_ids(self, components: list[Json], path: Path = ()) -> None:
        flat = flatten_components(components)
        for key in ("custom_id", "id"):
            values = [part[key] for part in flat if part.get(key)]
            if len(set(values)) < len(values):
                twice = next(value for value in values if values.count(value) > 1)
                message = f"Component {key} cannot be duplicated: {twice!r}"
                self.errors.add((*path, "components"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
