"""Every sentence a person can read, and the one mapping from errors to sentences.

Plain, short and kind: what happened, what it costs, what to do next. Discord's Markdown is allowed; what a member
typed comes in escaped already.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bot.domain.catalogue import Catalogue, Model
from bot.domain.conduct import Act, Conduct, News, StrikeRules
from bot.domain.errors import (
    AccountError,
    ActUnsureError,
    AgeRestrictedError,
    Allowance,
    AlreadyGoneError,
    AnsweredAlreadyError,
    ApprovalExpiredError,
    ApprovalRefusedError,
    ApprovalUnaskedError,
    BadChoiceError,
    BadNumberError,
    BadPatternError,
    BadServerError,
    BadValueError,
    BasketEmptyError,
    BasketFullError,
    BlockedError,
    BooksBusyError,
    BotError,
    BrokenPictureError,
    CancelledAtFalError,
    ChannelClosedError,
    ClosedError,
    ContentRefusedError,
    DeclaredPictureError,
    DeliveryError,
    DraftGoneError,
    EmptyPromptError,
    EndpointGoneError,
    ExportTooLargeError,
    FalBusyError,
    FalDownError,
    GenerationTimeoutError,
    ImageHiddenError,
    InvalidRequestError,
    JobGoneError,
    JustBroughtBackError,
    LacksOptionError,
    LargestAlreadyError,
    LinkGivenError,
    LostError,
    MayNotBlockError,
    MissingPermissionsError,
    ModelForbiddenError,
    NeedsGoAheadError,
    NoImageMadeError,
    NoImageThereError,
    NoLogChannelError,
    NoLogThereError,
    NoReferenceError,
    NoSuchImageError,
    NotAllowedHereError,
    NotAPictureError,
    NotForOneError,
    NothingBeforeError,
    NothingLeftError,
    NothingSaidError,
    NothingToCancelError,
    NothingToUndoError,
    NotModeratorError,
    NotModeratorThereError,
    NotOwnerError,
    NotTextError,
    NotWaitingError,
    NotYoursError,
    NoWordError,
    NoWordsGivenError,
    OfferGoneError,
    OnlyOwnPicturesError,
    OperatorUnsureError,
    OriginalGoneError,
    OutsideError,
    OverCapError,
    PanelOverError,
    PersonalOffError,
    PictureGoneError,
    PictureKeptError,
    PictureRefusedError,
    PictureTooLargeError,
    PictureTooManyPixelsError,
    PictureTooSmallError,
    PictureUnreachableError,
    PictureWorkerError,
    PrivateForbiddenError,
    PrivateNeedsApprovalError,
    PromptTooLongError,
    QuotaExceededError,
    RefusedError,
    RepliedMessageGoneError,
    RepliesOffError,
    ResolutionForbiddenError,
    ResultGoneError,
    RoleNeededError,
    RulesChangedError,
    SafetyForbiddenError,
    SafetyTooLaxError,
    SeedWithSeveralError,
    StaysPrivateError,
    StoppingError,
    SubmitUnansweredError,
    SuspendedError,
    SwitchedOffError,
    TooManyImagesError,
    TooManyJobsError,
    TooManyReferencesError,
    TooManyValuesError,
    TooManyWordsError,
    UnchangedError,
    UnexpectedError,
    UnknownModelError,
    UnknownOptionsError,
    UnknownSettingError,
    UnsupportedPictureError,
    WaitedTooLongError,
    WordForbiddenError,
    WordsSlowError,
    WordTooLongError,
    unpacked,
)
from bot.domain.job import Job, State, Word
from bot.domain.journal import Acted
from bot.domain.ledger import Standing
from bot.domain.order import Order
from bot.domain.policy import Effective, Source
from bot.domain.preferences import Preferences
from bot.domain.purse import Server
from bot.domain.rules import Rules
from bot.domain.ruling import SETTINGS, Page, Takes, Target, Value, default_of, differences, value_of
from bot.domain.usage import Usage
from bot.domain.words import WordRule
from bot.service.alerts import Subject
from bot.service.ports import (
    AwaitingApproval,
    Cancelling,
    Fetching,
    Generating,
    InLine,
    Late,
    Phase,
    Preparing,
    Resuming,
    Searching,
    Shut,
)
from bot.service.purse import PurseState
from bot.service.ruling import Changed
from bot.service.wording import line_of

# --- commands -------------------------------------------------------------------------------------

COMMANDS = {
    "imagine": "Make images from words",
    "edit": "Change or combine pictures with words",
    "blend": "Combine the pictures in your basket; without a prompt it shows them",
    "quota": "See what you and this server have left today",
    "jobs": "Your orders here: cancel one, or get its images again",
    "usage": "What was used: credits, models, times",
    "usage me": "What you used here",
    "usage server": "What everybody used here (for moderators)",
    "mydata": "What is stored about you",
    "mydata export": "Get everything that is stored about you",
    "mydata erase": "Have everything about you forgotten",
    "operator": "For the people who run this bot",
    "operator purse": "What was spent this month, and the forecast",
    "operator servers": "The servers, the costliest first",
    "operator server": "A server's cap, or whether it may use the bot",
    "operator notice": "Say something in the log channels of all servers",
    "history": "What you have made here, with pictures; search it, or show one here again",
    "prefer": "Your usual options, filled in where you leave them open",
    "prefer set": "Set what you usually want",
    "prefer show": "See what you have set",
    "prefer reset": "Go back to the models' own defaults",
    "help": "How this bot works, what it offers and what it costs",
}
OPTIONS = {
    "prompt": "What to make, in your own words (up to 4,000 characters)",
    "image": "The picture to change",
    "model": "Which model; the list marks the usual one",
    "aspect_ratio": "The shape, such as 16:9",
    "resolution": "The size, such as 2K",
    "images": "How many images, 1 to 4",
    "format": "The file format",
    "seed": "A number that makes one image reproducible",
    "safety": "Content check: 1 is the strictest",
    "web_search": "Let the model look things up on the web (costs a little more)",
    "thinking": "Let the model think before it draws",
    "private": "Show everything to you alone",
}
MORE_IMAGE = "One more picture to use"

# --- buttons --------------------------------------------------------------------------------------

CANCEL = "Cancel"
AGAIN = "Again"
TRY_AGAIN = "Try again"
FETCH = "Show the images"
EDIT = "Edit"
UPSCALE = "Upscale"
RECIPE = "Recipe"
UNDO = "Undo"
COMPARE = "Compare"
DELETE = "Delete"
ORIGINAL_BUTTON = "Original"


def edit_this(credit: int) -> str:
    """The button under a reply to somebody else's image."""
    return f"Edit this ({credits_of(credit)})"


def make_this(credit: int) -> str:
    """The button under a mention without an image."""
    return f"Make this ({credits_of(credit)})"


def go_ahead(credit: int) -> str:
    """The button of an offer."""
    return f"Go ahead ({credits_of(credit)})"


ALL_IMAGES = "All of them, as one new image"
WHICH_IMAGE = "Choose an image"


def image_label(position: int) -> str:
    """One image of a set."""
    return f"Image {position}"


MAY_NOT_SPEAK = "🔇"
"""Put under a message that cannot be answered in words."""


def cannot_answer_in(channel_id: int, missing: Sequence[str]) -> str:
    """A direct message to whoever asked for something where the bot may only read."""
    need = f"I need {' and '.join(missing)} there" if missing else "Discord lets me write nothing there"
    return f"I read you in <#{channel_id}> and cannot answer: {need}. Please ask a moderator. Nothing was ordered."


def offer_edit(seconds: float) -> str:
    """Over the button that edits somebody else's image."""
    return f"Shall I edit this image? Only you can say so, for {duration(seconds)}."


def offer_make(seconds: float) -> str:
    """Over the button that makes an image from a mention."""
    return f"Shall I make an image of this? Only you can say so, for {duration(seconds)}."


def offer_choice(credit: int) -> str:
    """Over the choice of one image of a set."""
    return f"Which of these images shall I edit? ({credits_of(credit)})"


OLD_CONTROL = "This control is from an earlier version of the bot. Please use the command again."
OLD_FORM = "This form is from an earlier version of the bot, so nothing was ordered. Please open it again."

# --- small words ----------------------------------------------------------------------------------


def credits_of(number: int) -> str:
    """Such as `8 credits`."""
    return "1 credit" if number == 1 else f"{number:,} credits"


def counted(number: int, word: str) -> str:
    """Such as `2 images`."""
    return f"{number} {word}" if number == 1 else f"{number:,} {word}s"


def when(unix: int) -> str:
    """A moment in the reader's own time zone, with how far away it is."""
    return f"<t:{unix}:t> (<t:{unix}:R>)"


def listed(words: Iterable[str]) -> str:
    """Such as `1K`, `2K`, `4K`."""
    return ", ".join(code(word) for word in words)


def code(typed: str, limit: int = 40) -> str:
    """What somebody typed, short, and unable to leave its quotes."""
    return "`" + typed[:limit].replace("`", "'") + "`"


def address_of(guild_id: int | None, channel_id: int, message_id: int) -> str:
    """Where a message stands."""
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


def address_of_result(job: Job) -> str:
    """Where a job's final message stands; in direct messages its member alone can open it."""
    guild_id = job.order.guild_id if job.posted_in is None else None
    return address_of(guild_id, job.stands_in, job.message_id or 0)


def size_of(count: int) -> str:
    """Bytes in people's units."""
    mib = count / (1024 * 1024)
    return f"{mib:.0f} MB" if mib >= 10 else f"{mib:.1f} MB"  # noqa: PLR2004 - one decimal below ten


def duration(seconds: float) -> str:
    """Such as `12 s`, `2 min` or `3 min 5 s`."""
    whole = max(1, round(seconds))
    minutes, rest = divmod(whole, 60)
    return " ".join([*([f"{minutes} min"] if minutes else []), *([f"{rest} s"] if rest else [])])


def about(seconds: float) -> str:
    """A length of time that nobody knows to the second, such as `about 40 s` or `about 3 min`."""
    if seconds < 50:  # noqa: PLR2004 - from there on, a minute is as good
        step = 5 if seconds < 30 else 10  # noqa: PLR2004 - as precise as one can be
        return f"about {max(step, round(seconds / step) * step)} s"
    return f"about {max(1, round(seconds / 60))} min"


# --- a job's messages -----------------------------------------------------------------------------


def quoted(prompt: str) -> str:
    """The prompt, as the first text of a job's message."""
    return f"> {prompt}"


def progress(job: Job, model: str, phase: Phase) -> str:
    """The progress message."""
    what = "Editing" if job.order.is_edit else "Making"
    images = counted(job.request.images, "image")
    return (
        f"**{_phase(phase)}**\n-# {what} {images} with {model} for <@{job.order.member_id}> · {credits_of(job.credits)}"
    )


def _phase(phase: Phase) -> str:  # noqa: C901 - one sentence per phase
    match phase:
        case AwaitingApproval():
            return "Waiting for a moderator's approval"
        case Preparing():
            return "Reading the pictures"
        case InLine(expected=expected):
            return _standing_in_line(phase) + (f", expected <t:{expected.at}:R>" if expected else "")
        case Generating(since=since, usual=usual):
            return f"Generating, started <t:{since}:R>" + (f", usually takes {about(usual)}" if usual else "")
        case Fetching():
            return "Done, fetching the images"
        case Cancelling():
            return "Cancelling: waiting for fal to confirm"
        case Searching():
            return (
                "The connection broke on the way to fal. Looking for the order there: if it arrived, the images will"
                " come; if not, the credits come back by themselves"
            )
        case Shut():
            return "Waiting: fal takes no orders right now"
        case Late():
            return "Done, but Discord is slow to take the images: they are safe, and come as soon as it does"
        case Resuming():
            return "The bot is restarting; this goes on right after"


def _standing_in_line(phase: InLine) -> str:
    match phase:
        case InLine(ahead=0, at_fal=False, full=False):
            return "Starting"
        case InLine(ahead=0, at_fal=False):
            return "Waiting: next in line"
        case InLine(ahead=ahead, at_fal=False):
            return f"Waiting: {counted(ahead, 'order')} before this one"
        case InLine(ahead=0):
            return "Waiting at fal: next in line"
        case InLine(ahead=ahead):
            return f"Waiting at fal: {ahead} ahead in line"


def result(job: Job, model: str, took: float) -> str:
    """Whose images they are, and what is to know about them."""
    sizes = sorted({(one.width, one.height) for one in job.pictures}, reverse=True)
    facts = [
        f"<@{job.order.member_id}>",
        model,
        " and ".join(f"{width} × {height}" for width, height in sizes),
        duration(took),
    ]
    facts.append(credits_of(job.cost))
    if (seed := job.request.arguments.get("seed")) is not None:
        facts.append(f"seed {seed}")
    lines = [*lineage(job), f"-# {' · '.join(facts)}"]
    if job.cancel_wanted:
        lines.append("-# It was too late to cancel: fal had made this already.")
    if job.order.private:
        lines.append("-# Only you can see this. When it is gone, **/jobs** and **/history** have it.")
    if len(job.pictures) < job.request.images:
        charged = "this was" if len(job.pictures) == 1 else "these were"
        lines.append(f"-# fal made {len(job.pictures)} of {job.request.images} images; only {charged} charged.")
    return "\n".join(lines)


def lineage(job: Job) -> list[str]:
    """Which edit of its chain it is, with a way to the image that it changed."""
    if not job.order.depth:
        return []
    seen = job.order.parent_message
    if seen is None:
        return [f"-# Edit {job.order.depth}"]
    address = address_of(job.order.guild_id, seen.channel_id, seen.message_id)
    return [f"-# Edit {job.order.depth} of [this image]({address})"]


def reencoded(kinds: Iterable[str], *, scaled: bool) -> str:
    """Said under images that had to shrink for Discord."""
    how = "saved smaller" if scaled else "saved in full size"
    return f"-# Too large for Discord as made: {how} as {' and '.join(kinds)}. The button has the original."


FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP"}
ORIGINAL = "The untouched file."


def original_reencoded(limit_bytes: int) -> str:
    """Said with an Original that is itself too large."""
    return f"The untouched file is over Discord's {size_of(limit_bytes)} here, so this is the best copy in full size."


CANCEL_SENT = "Cancelling. You are charged only if fal had made the images already."
CANCELLED = "**Cancelled.** Nothing was charged."


def alt_text(prompt: str, position: int, of: int, *, edit: bool) -> str:
    """At most 1,024 characters, for people who do not see the image."""
    start = "Edited image" if edit else "Generated image"
    which = f" {position} of {of}" if of > 1 else ""
    return f"{start}{which}: {' '.join(prompt.split())}"[:1024]


def failed(sentence: str, member_id: int) -> str:
    """A failure told in the channel, when there is no private way left."""
    return f"{sentence}\n-# <@{member_id}>"


# --- /jobs ----------------------------------------------------------------------------------------

JOBS_TITLE = "### Your orders here, the newest first"
NO_JOBS = "You have not ordered anything here yet. Try **/imagine**."
FETCHED = "Your images, for you alone."
STATES = {
    State.HELD: "waiting",
    State.SUBMITTING: "on its way to fal",
    State.QUEUED: "at fal",
    State.LOST: "looked for at fal",
    State.RENDERED: "ready, not posted",
    State.DELIVERED: "delivered",
    State.FAILED: "failed",
    State.CANCELLED: "cancelled",
}
AWAITING = "waiting for a moderator's approval"
GIVEN_UP = "made, not posted, no longer kept"
WHY_LISTED = 150
"""Characters of why an order failed, as ten orders share the 4,000 of a message; its member was told all of it."""


def given_up(job: Job) -> bool:
    """Whether its images could be posted nowhere, and were swept before their member fetched them."""
    return job.state is State.RENDERED and isinstance(unpacked(job.error or "{}"), OriginalGoneError)


def job_line(job: Job, model: str, prompt: str) -> str:
    """One order in /jobs."""
    price = credits_of(job.cost)
    state = AWAITING if job.awaits_approval else GIVEN_UP if given_up(job) else STATES[job.state]
    lines = [f"**{state}** · <t:{int(job.created_at)}:R> · {model} · {price}"]
    if job.error and job.state is State.FAILED:
        why = explain(unpacked(job.error))
        lines.append(f"-# {why if len(why) <= WHY_LISTED else why[: WHY_LISTED - 1] + '…'}")
    return "\n".join([*lines, quoted(prompt)])


# --- /history -------------------------------------------------------------------------------------

HISTORY_WORDS = "Only images whose prompt has these words"
SHOW_HERE = "Show here"
NEWER = "Newer"
OLDER = "Older"


def history_title(words: str, *, found: bool) -> str:
    """The first line of /history; `words` are escaped already."""
    if found:
        return f"### Your images with “{words}”" if words else "### Your images here, the newest first"
    if words:
        return f"None of your prompts here has “{words}”. **/history** alone shows all."
    return "There is nothing here. Try **/imagine**."


def history_line(job: Job, model: str, *, gone: bool) -> str:
    """What is to know of one result, apart from its prompt."""
    facts = [f"<t:{int(job.rendered_at or job.created_at)}:R>", model]
    if len(job.pictures) > 1:
        facts.append(counted(len(job.pictures), "image"))
    if job.order.private:
        facts.append("private")
    if job.deleted_at is not None:
        facts.append("deleted")
    elif gone:
        facts.append("files no longer kept")
    elif job.message_id and not job.order.private:
        facts.append(f"[Go to it]({address_of_result(job)})")
    return "\n".join([*lineage(job), f"-# {' · '.join(facts)}"])


# --- /prefer --------------------------------------------------------------------------------------

OTHERS_MAY_EDIT = "Whether others may edit the pictures you post"
RESET_ONE = "Which one; all of them if you choose none"
PREFERRED = {
    "model": "Model",
    "aspect_ratio": "Shape of new images",
    "resolution": "Size",
    "format": "File format",
    "images": "Images at once",
    "others_may_edit": "Others may edit pictures you post",
}


def preferences(now: Preferences, catalogue: Catalogue) -> str:
    """The answer of every /prefer."""
    given = now.set()
    if not given:
        return "You have set nothing: the models' own defaults hold. **/prefer set** changes that, in every server."
    lines = [
        f"- {label}: {_preferred(name, given[name], catalogue)}" for name, label in PREFERRED.items() if name in given
    ]
    return (
        "### What you usually want, in every server\n" + "\n".join(lines) + "\n"
        "-# Filled in where you leave an option open and the model has it. **/prefer reset** takes it back."
    )


def _preferred(name: str, value: str | int | bool, catalogue: Catalogue) -> str:  # noqa: FBT001 - a value to be said
    if isinstance(value, bool):
        return "yes" if value else "no"
    return catalogue.title_of(str(value)) if name == "model" else str(value)


# --- forms, baskets and the buttons of results ----------------------------------------------------

EDIT_IMAGE = "Edit image"
ADD_TO_BLEND = "Add to blend"
FORM_IMAGES = "Which image"
FORM_IMAGES_HINT = "Several are combined."
FORM_PROMPT = "What to change"
FORM_PROMPT_HINT = "Such as: make it night"
FORM_SIZE = "Model and size"
FORM_SIZE_HINT = "The price is for one image."
FORM_SHAPE = "Shape"
FORM_SHAPE_AUTO = "As the picture is"
FORM_FILES = "More pictures"
FORM_FILES_HINT = "Up to 10, to use with it. Leave this out for a plain edit."
WHICH = "Which image?"


def files_kept(count: int) -> str:
    """Said in a form that is opened again."""
    return f"{counted(count, 'picture')} from before {'is' if count == 1 else 'are'} kept; add more if you like."


def image_option(position: int, filename: str, *, made: bool) -> str:
    """One image in a list to choose from; at most 100 characters."""
    return f"Image {position}" if made else f"Image {position}: {filename}"[:100]


def size_option(model: str, resolution: str, price: int) -> str:
    """One model at one size, in a list to choose from; `resolution` is empty for a model with one size."""
    return f"{model}{f', {resolution}' if resolution else ''} ({credits_of(price)})"[:100]


UPSCALE_PROMPT = (
    "Reproduce this exact image at a higher resolution. Keep composition, colours, faces, text and style unchanged;"
    " only add natural fine detail and sharpness."
)


def upscaled(title: str) -> str:
    """What an upscale is called."""
    return title if title.startswith("Upscaled: ") else f"Upscaled: {title}"


def upscale_offer(sizes: Iterable[tuple[str, str, int]], *, own: bool, model: str) -> str:
    """The price first. `sizes`: model, resolution, credits."""
    found = list(sizes)
    if own:
        (_, resolution, price), *_ = found
        return f"The same image at **{resolution}** with {model}: {credits_of(price)}. Nothing is charged yet."
    lines = [f"- {title} at {resolution}: {credits_of(price)}" for title, resolution, price in found]
    return "\n".join([f"{model} makes nothing larger. These can; nothing is charged yet.", *lines])


def ask_delete(charged: int) -> str:
    """Before a result is deleted."""
    return (
        "Delete these images for everyone? Their files go, too, and cannot be brought back."
        f" The {credits_of(charged)} that they cost {'is' if charged == 1 else 'are'} not returned."
    )


DELETED = "Deleted. What it cost is not returned."
KEPT_PROMPT = "What you typed is kept for an hour."
BEFORE, AFTER = "Before", "After"


def compared(title: str) -> str:
    """The alternative text of a comparison; at most 1,024 characters."""
    return f"Before and after, side by side: {' '.join(title.split())}"[:1024]


def compare_line(title: str) -> str:
    """Above a comparison; the title comes escaped."""
    return f"**Before and after**\n> {title}"


def brought_back(member_id: int) -> str:
    """Under images that are posted again."""
    return f"-# Brought back by <@{member_id}>, free of charge."


def brought_back_here(guild_id: int | None, channel_id: int, message_id: int) -> str:
    """The answer to Undo."""
    return f"It is here again: {address_of(guild_id, channel_id, message_id)}"


def recipe_facts(job: Job, model: str, took: float | None, parent: str | None) -> str:
    """What is known of how an image was made."""
    lines = [f"### Recipe\n**{model}** · {credits_of(job.cost)}"]
    lines.append(f"Ordered by <@{job.order.member_id}> {when(int(job.created_at))}")
    if took is not None:
        lines.append(f"Made in {duration(took)}")
    shown = {name: value for name, value in job.request.arguments.items() if name not in {"prompt", "image_urls"}}
    lines.append(" · ".join(f"{name} {code(str(value))}" for name, value in sorted(shown.items())))
    if job.order.is_edit:
        lines.append(f"Made from {counted(len(job.order.references), 'picture')}{f': {parent}' if parent else ''}")
    return "\n".join(lines)


RECIPE_COPY = "Ready to copy:"
RECIPE_FILE = "It is too long for a message, so it is in the file."
RECIPE_PICTURES = "-# Pictures cannot be copied as text: attach them, or use **Again**."


def basket_title(count: int, most: int) -> str:
    """The head of a basket."""
    return f"### Your basket: {count} of {counted(most, 'picture')}\nThey are blended in this order."


def basket_line(position: int, name: str, address: str | None) -> str:
    """One picture of a basket, with a link to its message; the name comes escaped."""
    return f"**{position}.** {name}{f' · [its message]({address})' if address else ''}"


BASKET_HINT = "-# **/blend** uses them, or press **Blend**. Each picture stays for a week."
BLEND = "Blend"
CLEAR = "Empty the basket"
TAKE_OUT = "Take a picture out"
MOVE_UP = "Move a picture up"
EARLIER, LATER = "Earlier", "Later"


def added(new: int, found: int) -> str:
    """What happened to the basket."""
    if new == 0:
        return "It is in your basket already." if found == 1 else "They are in your basket already."
    return f"Added {counted(new, 'picture')}."


# --- the operator ---------------------------------------------------------------------------------

ALERTS = {
    Subject.ACCOUNT: (
        "fal refuses the account: a wrong key, no balance, or a request that another account made. New orders may be refused.",
        "fal refuses the account no more.",
    ),
    Subject.FAL_AWAY: ("fal takes no requests: busy or unreachable. Orders wait.", "fal takes requests again."),
    Subject.INVALID_REQUESTS: (
        "fal refuses the form of our requests, or an endpoint is gone. Look at the log and at config/models.toml.",
        "fal accepts our requests again.",
    ),
    Subject.LOST: (
        "A request's answer was lost. It is looked for in fal's list, and never sent again.",
        "No lost request is being looked for any more.",
    ),
    Subject.DELIVERY: (
        "Finished images cannot be posted to Discord. They are kept and tried again.",
        "None waits any more.",
    ),
    Subject.PURSE_HALF: ("Half of this month's credits are spent.", "Less than half of the month's credits are spent."),
    Subject.PURSE_LOW: ("80 % of this month's credits are spent.", "Less than 80 % of the month's credits are spent."),
    Subject.PURSE_EMPTY: (
        "This month's credits are spent: orders are refused until the month ends or the stop is raised.",
        "There are credits again.",
    ),
    Subject.DISK: ("The disk of the data folder is nearly full.", "The disk has room again."),
}


def alert(subject: Subject, *, up: bool) -> str:
    """What the operator reads when something goes wrong, and when it is over."""
    wrong, over = ALERTS[subject]
    return f"**Alert:** {wrong}" if up else f"**Over:** {over}"


# --- usage ----------------------------------------------------------------------------------------

DAYS = "How many days, today included (30 if you choose none)"
FORGOTTEN = "somebody who was forgotten"
MOST_LISTED = 10
"""Members and models in a report; the table has all of them."""


def usage_words(now: Usage) -> tuple[str, str]:
    """Title and unit of the chart."""
    return f"Credits from {now.since} to {now.until}", "credits a day"


def usage(now: Usage, title_of: Callable[[str], str], *, of_server: bool) -> str:
    """The answer of /usage."""
    if not now.rows and not now.refused:
        return f"Nothing was ordered from {now.since} to {now.until}. Try **/imagine**."
    lines = [
        f"### {'This server' if of_server else 'You'}, {now.since} to {now.until}",
        f"**{credits_of(now.credits)}** for {counted(now.images, 'image')} in {counted(now.delivered, 'order')}"
        + (f", {duration(now.seconds_each)} each" if now.seconds_each is not None else ""),
        f"{now.failed} failed, {now.cancelled} cancelled, {now.refused} refused",
        "**Models:** " + _shares((title_of(model), spent) for model, spent in now.by_model()),
    ]
    if of_server:
        lines.append("**Members:** " + _shares((_member(member), spent) for member, spent in now.by_member()))
    lines.append("-# One credit is one US cent of fal's list price. Days are UTC days. The table has every day.")
    return "\n".join(lines)


def usage_alt(now: Usage, title_of: Callable[[str], str]) -> str:
    """The chart in words, at most 1,024 characters."""
    days = dict.fromkeys(now.days, 0)
    for row in now.rows:
        days[row.day] += row.credits
    best = max(days, key=lambda day: days[day])
    models = ", ".join(f"{title_of(model)}: {spent:,}" for model, spent in now.by_model()[:MOST_LISTED])
    return (
        f"Bar chart of credits a day from {now.since} to {now.until}. Together {now.credits:,}; {models or 'no model'}."
        f" The most on one day: {days[best]:,} on {best}."
    )[:1024]


def _shares(pairs: Iterable[tuple[str, int]]) -> str:
    return " · ".join(f"{name}: {spent:,}" for name, spent in [*pairs][:MOST_LISTED]) or "none"


def _member(member_id: int) -> str:
    return f"<@{member_id}>" if member_id > 0 else FORGOTTEN


# --- one's own data -------------------------------------------------------------------------------

EXPORTED = (
    "Everything that is stored about you: orders with prompts, recipes and counts. Your pictures are in the channels"
    " and in **/jobs**."
)
ERASE = "Forget me"
ERASURE_QUESTION = (
    "### Forget everything about you?\n"
    "Your prompts, pictures and orders are removed from the bot within the hour, in every server. It cannot be undone:"
    " buttons under your images stop working. Messages in Discord stay; delete those yourself. The books keep the sums"
    " without you, no credits come back, and a block or a strike stays until it ends."
)
ERASURE_ASKED = "You will be forgotten within the hour. Orders still on their way are finished first."

# --- the operator's commands ----------------------------------------------------------------------

SERVER_ID = "The server's Discord id"
SERVER_MONTHLY = "Credits a month; -1 for the default again"
SERVER_DO = "Suspend, resume, allow, disallow, or leave it"
SERVER_SET = "Done. It holds for the next order."
NOTICE_WORDS = "What to say"
NOTICE_TAKEN = "It will stand in all log channels within a few seconds."


def purse(state: PurseState) -> str:
    """The month of the operator."""
    share = f" ({state.spent * 100 // state.stop} %)" if state.stop else ""
    return (
        f"**{credits_of(state.spent)}** of {state.stop:,} spent this month{share}.\n"
        f"If it goes on as in the last days: **{credits_of(state.forecast)}** at the end of the month.\n"
        "-# One credit is one US cent of fal's list price. Months are UTC months."
    )


def servers(found: Iterable[tuple[Server, int]]) -> str:
    """The servers, one a line."""
    lines = [
        f"`{server.guild_id}` {code(server.name or '?')} {credits_of(spent)}"
        + (f" of {server.monthly:,}" if server.monthly is not None else "")
        + (", suspended" if server.suspended else "")
        + (", left" if server.left_at is not None else "")
        for server, spent in found
    ]
    return "\n".join(["### Servers, this month", *(lines or ["none"])])


def notice(words: str) -> str:
    """A notice of the operator's, in a log channel; the words are escaped already."""
    return f"**From the people who run this bot**\n{words}"


# --- approval -------------------------------------------------------------------------------------

APPROVE = "Approve"
REFUSE = "Refuse"
REFUSE_FORM = "Refuse this order"
REFUSE_REASON = "Reason"
REFUSE_HINT = "The member reads it. It may be left out."
BLOCKED_MEANWHILE = "blocked since the order"
APPROVAL_PICTURE = "A picture to be edited"
APPROVAL_HIDDEN = (
    "-# Behind a spoiler: this channel is open to all ages, and the one of the order is age-restricted or gone."
)


def approval(job: Job, model: str, called_off_by: int | None) -> str:
    """An order that waits for a moderator, or how that ended; above its prompt."""
    facts = [model, counted(job.request.images, "image"), credits_of(job.credits)]
    facts += [f"{name} {code(str(value))}" for name, value in job.order.choices.made().items() if name != "images"]
    what = f"an edit of {counted(len(job.order.references), 'picture')}" if job.order.is_edit else "an order"
    asks = f"<@{job.order.member_id}> in <#{job.order.channel_id}>: {what}, <t:{int(job.created_at)}:R>"
    return f"{asks}\n-# {' · '.join(facts)}\n{_approval_end(job, called_off_by)}"


def _approval_end(job: Job, called_off_by: int | None) -> str:
    if job.awaits_approval or job.approval is None:
        return "**Waiting for approval.** Nothing was sent to fal yet."
    error = unpacked(job.error) if job.error else None
    match job.approval.word:
        case Word.GIVEN:
            return f"**Approved** by <@{job.approval.by}>"
        case Word.REFUSED:
            reason = error.reason if isinstance(error, ApprovalRefusedError) else ""
            return f"**Refused** by <@{job.approval.by}>{f': {reason}' if reason else ''}"
        case Word.WANTED if job.state is State.CANCELLED:
            return "**Cancelled**" + (f" by <@{called_off_by}>" if called_off_by else "")
        case Word.WANTED if isinstance(error, ApprovalExpiredError):
            return "**Expired** after 24 hours"
        case Word.WANTED:
            return "**Given up**"


# --- panels ---------------------------------------------------------------------------------------


def standing(now: Standing) -> str:
    """The answer of /quota."""
    month = (
        ""
        if now.server_month_limit is None
        else f" This month: {credits_of(now.server_month_left)} of {now.server_month_limit:,}."
    )
    return (
        f"**You** have {credits_of(now.member_left)} of {now.member_limit:,} left today"
        f" and {counted(now.jobs, 'order')} on the way.\n"
        f"**This server** has {credits_of(now.server_left)} of {now.server_limit:,} left today.{month}\n"
        f"Both renew {when(now.renews_at)}. One credit is one US cent of fal's list price."
    )


def standing_of_person(now: Standing) -> str:
    """The answer of /quota outside servers."""
    if not now.member_limit:
        return PERSONAL_OFF
    return (
        f"**You** have {credits_of(now.member_left)} of {now.member_limit:,} left today outside servers"
        f" and {counted(now.jobs, 'order')} on the way.\n"
        f"More comes {when(now.renews_at)}. One credit is one US cent of fal's list price."
    )


def help_page(catalogue: Catalogue, keep_days: int, *, logged: bool) -> str:
    """The one page of /help; `logged`: whether the server has a log channel."""
    models = "\n".join(f"- {_model_line(model)}" for model in catalogue.models.values())
    return (
        "## Images from words\n"
        "**/imagine** makes images from a prompt. **/edit** changes a picture you attach, or combines up to 14.\n"
        "The price is held when you order and charged only when your images arrive. **Cancel** is on the waiting"
        " message; **/quota** shows what is left, **/jobs** your orders and their images.\n"
        f"Under every image are buttons to go on with it. For a picture in any message, choose **Apps > {EDIT_IMAGE}**,"
        f" or collect some with **Apps > {ADD_TO_BLEND}** and combine them with **/blend**.\n"
        f"## Models\n{models}\n"
        "## Good to know\n"
        "- A seed makes one image reproducible; it cannot be combined with several images.\n"
        "- Large pictures are saved again to fit Discord; the **Original** button keeps the untouched file for"
        f" {counted(keep_days, 'day')}.\n"
        "- Your prompts and pictures go to fal.ai to be processed. Photos lose their location and camera data first.\n"
        "- Moderators can cancel anybody's order." + (f"\n- {LOGGED}" if logged else "")
    )


def _model_line(model: Model) -> str:
    resolution = model.generate.parameters.get("resolution")
    sizes = resolution.values if resolution else ("",)
    defaults = {name: one.default for name, one in model.generate.parameters.items()}
    prices = [(size, model.cost(defaults | {"resolution": size}, 1)) for size in sizes]
    priced = ", ".join(f"{credits_of(price)}{f' ({size})' if size else ''}" for size, price in prices)
    return f"**{model.title}** (`{model.name}`): {priced} an image; edits up to {model.max_references} pictures"


# --- errors ---------------------------------------------------------------------------------------

NOT_CHARGED = "You were not charged."
CANNOT_GENERATE = f"The bot cannot generate right now. {NOT_CHARGED} Please try again later."


SEVERAL_REASONS = "That cannot be ordered here, for several reasons:"
PERSONAL_OFF = "Ordering outside servers is switched off here. Please order in a server that has the bot."


MOST_REASONS = 5
"""In one refusal."""


def explain(error: BotError) -> str:
    """What a person is told about an error: its sentence, or a list when an order was refused for several reasons."""
    if not isinstance(error, RefusedError) or not error.also:
        return _sentence(error)
    reasons = [_sentence(one) for one in (error, *error.also)]
    more = len(reasons) - MOST_REASONS
    lines = [f"- {reason}" for reason in reasons[:MOST_REASONS]] + [f"- … and {more} more"] * (more > 0)
    return "\n".join([SEVERAL_REASONS, *lines])


def _sentence(error: BotError) -> str:
    """Every BotError has one; a test walks them all."""
    for explain_part in (
        _order_refused,
        _books_refused,
        _rules_refused,
        _order_forbidden,
        _unapproved,
        _setting_refused,
        _words_rule_refused,
        _control_refused,
        _standing_refused,
        _gone_refused,
        _conversation_refused,
        _reply_refused,
        _people_refused,
        _picture_refused,
        _generation_failed,
    ):
        if (sentence := explain_part(error)) is not None:
            return sentence
    return f"Something went wrong on our side. {NOT_CHARGED} Please try again."


def _order_refused(error: BotError) -> str | None:  # noqa: C901 - one sentence per error
    match error:
        case EmptyPromptError():
            return "Please say what to make: the prompt is empty."
        case PromptTooLongError(limit=limit, length=length):
            return f"That prompt has {length:,} characters; up to {limit:,} fit. Please shorten it."
        case UnknownModelError(given=given, names=names):
            return f"There is no model {code(given)}. There are {listed(names)}."
        case LacksOptionError(model=model, option=option, models=models):
            others = f" {' and '.join(models)} can." if models else ""
            return f"{model} cannot do `{option}`.{others}"
        case BadChoiceError(model=model, option=option, given=given, allowed=allowed):
            return f"{model} has no `{option}` {code(given)}. It has {listed(allowed)}."
        case SeedWithSeveralError():
            return "A seed with several images gives identical twins. Choose one image, or leave the seed out."
        case SafetyTooLaxError(limit=limit):
            return f"`safety` can be {limit} at most here; 1 is the strictest."
        case NoReferenceError():
            return "Please attach the picture to change."
        case TooManyReferencesError(model=model, limit=limit, given=given):
            return f"{model} takes up to {counted(limit, 'picture')}; these are {given}."
        case DeclaredPictureError(filename=name, too_large=True, limit_bytes=limit):
            return f"{code(name)} is empty or larger than {size_of(limit)}. Please attach a smaller picture."
        case DeclaredPictureError(filename=name):
            return f"{code(name)} is not a picture I can use. Please attach a PNG, JPEG, WebP, GIF or HEIC."
        case _:
            return None


def _books_refused(error: BotError) -> str | None:
    match error:
        case QuotaExceededError(allowance=Allowance.MEMBER_DAY, left=left, wanted=wanted, renews_at=at):
            return f"You have {credits_of(left)} left today and this needs {wanted}. More comes {when(at)}."
        case QuotaExceededError(allowance=Allowance.SERVER_DAY, left=left, wanted=wanted, renews_at=at):
            return f"This server has {credits_of(left)} left today and this needs {wanted}. More comes {when(at)}."
        case QuotaExceededError(allowance=Allowance.SERVER_MONTH, left=left, wanted=wanted, renews_at=at):
            return f"This server has {credits_of(left)} left this month and this needs {wanted}. More comes {when(at)}."
        case QuotaExceededError(left=left, wanted=wanted, renews_at=at):
            return f"The bot's budget for this month has {credits_of(left)} left and this needs {wanted}. More comes {when(at)}."
        case TooManyJobsError(of_member=True, limit=limit):
            return f"You have {counted(limit, 'order')} on the way already. Please wait for one, or cancel it."
        case TooManyJobsError(limit=limit):
            return f"This server has {counted(limit, 'order')} on the way already. Please try again in a minute."
        case BooksBusyError():
            return "The bot is very busy. Nothing was ordered; please try again in a moment."
        case ActUnsureError():
            return "The bot is very busy, and this may be done or not: look with `/who` before you do it again."
        case OperatorUnsureError():
            return "The bot is very busy, and this may be done or not. Doing it again does no harm, but may post a notice twice."
        case _:
            return None


def _rules_refused(error: BotError) -> str | None:
    match error:
        case OutsideError():
            return "I am not a member here, so I cannot post by myself. **/jobs** shows you your images."
        case StaysPrivateError():
            return "This was ordered privately, so it is not posted here. **/jobs** shows it to you alone."
        case AgeRestrictedError():
            return (
                "That image was made in an age-restricted channel, so I show it to everyone in such channels alone."
                " **/jobs** shows you your own."
            )
        case PersonalOffError():
            return PERSONAL_OFF
        case PrivateForbiddenError():
            return "Private results are switched off in this server. Please order without `private`."
        case NeedsGoAheadError(credits=credit, above=above):
            return (
                f"This costs **{credits_of(credit)}**. This server asks once more above {above:,}. Nothing was ordered"
                " yet; the button below orders it within the next 5 minutes."
            )
        case RulesChangedError():
            return "Somebody else has just changed these settings. Nothing was changed by you; please look again."
        case _:
            return None


def _order_forbidden(error: BotError) -> str | None:  # noqa: C901 - one sentence per error
    """What a server's rules say to an order."""
    match error:
        case ChannelClosedError():
            return "The moderators of this server do not allow images in this channel. Please order in another one."
        case RoleNeededError():
            return "In this server you need a certain role to order images. Please ask a moderator."
        case ModelForbiddenError(model=model, models=()):
            return f"{model} is not allowed here, and neither is any other model. Please tell a moderator."
        case ModelForbiddenError(model=model, models=models):
            return f"{model} is not allowed here. Please choose {' or '.join(models)}."
        case ResolutionForbiddenError(limit=limit):
            return f"Images can be {limit} at most here. Please choose a smaller `resolution`, or another model."
        case TooManyImagesError(limit=limit, given=given):
            return f"One order can make {counted(limit, 'image')} here; this asks for {given}."
        case SafetyForbiddenError(limit=limit, age_restricted=True):
            return f"`safety` can be {limit} at most here. More is for age-restricted channels."
        case SafetyForbiddenError(limit=limit):
            return f"The moderators allow `safety` up to {limit} here; 1 is the strictest."
        case WordForbiddenError(named=False):
            return "This server has rules about words, and your prompt breaks one. Please say it differently."
        case WordForbiddenError(rule=rule):
            return f"This server does not allow {code(rule)} in a prompt. Please say it differently."
        case WordsSlowError():
            return (
                "This server's word rules took too long to look through. Nothing was ordered; please tell a moderator."
            )
        case _:
            return None


def _unapproved(error: BotError) -> str | None:
    match error:
        case PrivateNeedsApprovalError():
            return (
                "A moderator has to approve orders here and would read a private one. Please order without `private`."
            )
        case NoLogChannelError():
            return (
                "A moderator has to approve orders here, but there is no channel where I could ask them. Nothing was"
                " ordered; please tell a moderator to choose a log channel in **/settings**."
            )
        case AnsweredAlreadyError(by=by, given=True):
            return f"{_member(by)} has approved this already."
        case AnsweredAlreadyError(by=by):
            return f"{_member(by)} has refused this already."
        case NotWaitingError():
            return "This order does not wait for approval any more."
        case ApprovalRefusedError(reason=""):
            return f"A moderator did not approve this. {NOT_CHARGED}"
        case ApprovalRefusedError(reason=reason):
            return f"A moderator did not approve this. The reason given: {reason}. {NOT_CHARGED}"
        case ApprovalExpiredError():
            return f"No moderator answered within 24 hours, so this was given up. {NOT_CHARGED} Please ask one of them."
        case ApprovalUnaskedError():
            return f"The moderators could not be asked to approve this. {NOT_CHARGED} Please tell one of them."
        case _:
            return None


# --- /settings: what a moderator reads ------------------------------------------------------------

SETTINGS_COMMAND = "This server's rules for images: models, limits, channels, words, safety"
SETTINGS_COMMANDS = {
    "panel": "Everything in one private panel",
    "show": "What is set, as text",
    "set": "Change one setting",
    "reset": "Set one setting back",
    "history": "The latest changes: who, what, before and after",
    "words": "Words and phrases that prompts must not have",
}
SETTINGS_OPTIONS = {
    "name": "Which setting",
    "value": "The new value; `default` sets it back",
    "channel": "Only for this channel and its threads",
    "role": "Only for members with this role",
    "action": "What to do",
    "text": "One rule a line, or the prompt to test; /…/ is a regular expression",
    "file": "A text file with one rule a line",
}
EVERYTHING = "everything"
WORD_ACTIONS = {"list": "list them as a file", "add": "add rules", "remove": "remove rules", "test": "test a prompt"}
PAGES = {
    Page.MODELS: "Models",
    Page.LIMITS: "Limits",
    Page.CHANNELS: "Channels",
    Page.WORDS: "Words",
    Page.SAFETY: "Safety",
    Page.LOG: "Log",
}
SETTING_TITLES = {
    "models": "Allowed models",
    "default_model": "Model when none is chosen",
    "server_day": "Server: credits a day",
    "server_month": "Server: credits a month",
    "member_day": "Member: credits a day",
    "confirm_above": "Ask once more above (credits)",
    "member_jobs": "Member: orders on the way",
    "server_jobs": "Server: orders on the way",
    "most_images": "Most images in one order",
    "largest_resolution": "Largest resolution",
    "roles_only": "Only roles with an allowance may order",
    "channels": "Where members may order",
    "listed_channels": "Listed channels",
    "names_word": "A refusal names the word rule",
    "safety": "Laxest content check (1 is the strictest)",
    "replies": "Replies to images",
    "editable": "Whose pictures may be edited",
    "private": "Private results",
    "strikes_to_block": "Strikes that block a member",
    "strike_days": "Days that a strike counts",
    "strike_block_days": "Days that strikes block for",
    "approval_channels": "Channels whose orders a moderator has to approve",
    "approval_roles": "Roles whose orders a moderator has to approve",
    "log_channel": "Log channel (orders, images, refusals, changes)",
}
SETTING_WORDS = {
    "every": "in every channel",
    "only": "only in the listed channels",
    "except": "everywhere but in the listed channels",
    "as_said": "taken when clearly meant, else asked first",
    "everyone": "taken from everyone at once",
    "mention": "only when the bot is mentioned",
    "off": "not taken",
    "everyones": "everyone's",
    "own": "one's own and the bot's",
}
UNSET = {
    "models": "all",
    "default_model": "the bot's usual one",
    "confirm_above": "never",
    "most_images": "any number",
    "largest_resolution": "any",
    "log_channel": "none",
    "replies": "as in the server",
}
LISTED = 20
"""Channels or roles in one line."""


def setting_title(target: Target) -> str:
    """Such as `Member: credits a day for @Booster`."""
    title = f"**{SETTING_TITLES[target.name]}**"
    if target.channel_id is not None:
        return f"{title} in <#{target.channel_id}>"
    return title if target.role_id is None else f"{title} for <@&{target.role_id}>"


def setting_value(target: Target, value: Value) -> str:
    """A setting's value in words."""
    setting = SETTINGS[target.name]
    if value is None:
        if target.channel_id is not None:
            return "as in the server"
        return "none of its own" if target.role_id is not None else UNSET.get(target.name, "as the operator allows")
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"<#{value}>" if setting.takes is Takes.CHANNEL else f"{value:,}"
    if isinstance(value, str):
        return SETTING_WORDS.get(value, value) if setting.words else value
    if setting.takes is Takes.MODELS:
        return ", ".join(sorted(str(one) for one in value))
    mark = "@&" if setting.takes is Takes.ROLES else "#"
    shown = [f"<{mark}{one}>" for one in sorted(value, key=str)[:LISTED]]
    more = len(value) - len(shown)
    return f"{' '.join(shown)}{f' and {more} more' if more else ''}" or "none"


def setting_line(target: Target, value: Value) -> str:
    """One setting with its value."""
    return f"{setting_title(target)}: {setting_value(target, value)}"


def rules_page(rules: Rules, words: int) -> str:
    """/settings show: every setting, its name for /settings set, and its value."""
    lines = list[str]()
    for page, title in PAGES.items():
        lines.append(f"### {title}")
        for name in (one.name for one in SETTINGS.values() if one.page is page):
            lines.append(f"{setting_line(Target(name), value_of(rules, Target(name)))} · `{name}`")
        if page is Page.WORDS:
            lines.append(f"**Word rules**: {words:,} · `/settings words`")
    own = [change for change in differences(Rules(), rules) if change.target.channel_id or change.target.role_id]
    if own:
        lines.append("### For single channels and roles")
        lines += [setting_line(one.target, one.after) for one in own]
    return shortened(lines, 3900)


def shortened(lines: list[str], limit: int) -> str:
    """Lines up to so many characters, and how many more there are."""
    shown, length = list[str](), 0
    for line in lines:
        length += len(line) + 1
        if length > limit:
            return "\n".join([*shown, f"… and {len(lines) - len(shown)} more"])
        shown.append(line)
    return "\n".join(shown)


def change_said(changed: Changed) -> str:
    """What was changed, before and after."""
    lines = [
        f"{setting_title(one.target)}: {setting_value(one.target, one.before)} → {setting_value(one.target, one.after)}"
        for one in changed.changes
    ]
    for rules, what in ((changed.words_added, "added"), (changed.words_removed, "removed")):
        if rules:
            shown = ", ".join(code(line_of(rule)) for rule in rules[:10])
            more = f" and {len(rules) - 10} more" if len(rules) > 10 else ""  # noqa: PLR2004 - as many as above
            lines.append(f"**Word rules** {what}: {shown}{more}")
    return shortened(lines, 1500)


def saved(changed: Changed) -> str:
    """After a change."""
    return f"Saved. {change_said(changed)}"


def change_line(changed: Changed) -> str:
    """One change in /settings history."""
    return f"<@{changed.by}> <t:{int(changed.at)}:R>\n{change_said(changed)}"


CHANGES_TITLE = "### The latest changes, the newest first"
NO_CHANGES = "Nobody has changed anything here yet."
UNDO_CHANGE = "Undo"
NO_WORDS = "There are no word rules yet."
WORDS_FILE = "The word rules that hold now, one a line."


# --- the panel of /settings

LIMIT_FORMS = {"credits": "Change credits", "orders": "Change orders and images"}
SAFETY_FORMS = {"strikes": "Change strikes"}
NUMBER_FORMS = LIMIT_FORMS | SAFETY_FORMS
WORD_FORMS = {"add": "Add rules", "remove": "Remove rules", "test": "Test a prompt"}
WORD_LABELS = {"add": "Words, one rule a line", "remove": "Words, one rule a line", "test": "A prompt"}
WORD_HINTS = {
    "add": "A word, a phrase, or /a regular expression/. Whole words; accents and look-alikes are seen through.",
    "remove": "As they are listed.",
    "test": "It is shown which rules would block it; nothing is ordered.",
}
LIST_WORDS = "Show all as a file"
PICK_CHANNEL = "A channel with rules of its own"
PICK_ROLE = "Give a role an allowance"
ROLE_FORM = "Allowance of a role"
ROLE_HINT = "Credits a day, or unlimited; empty takes it away"
ALWAYS_SET = frozenset({"channels", "replies", "editable"})
"""Settings whose words include what holds where nothing was set."""


def panel_title(page: Page) -> str:
    """The first line of the panel."""
    return f"## Settings · {PAGES[page]}"


def choice_said(target: Target, word: str, catalogue: Catalogue) -> str:
    """An option of a select."""
    if target.name in {"models", "default_model"}:
        return catalogue.model(word).title
    said = SETTING_WORDS.get(word, word) if SETTINGS[target.name].words else word
    return f"{said[:1].upper()}{said[1:]}"


def limits_said(rules: Rules, names: Sequence[str], cap: Callable[[Target], int | None]) -> str:
    """The numbers of the limits page."""
    lines = numbers_said(rules, names, cap)
    return f"{lines}\n-# One credit is one US cent of fal's list price. Days and months are UTC."


def numbers_said(rules: Rules, names: Sequence[str], cap: Callable[[Target], int | None]) -> str:
    """Settings that are numbers, each with the largest that it takes."""
    lines = list[str]()
    for target in (Target(name) for name in names):
        value, most = value_of(rules, target), cap(target)
        beyond = f" (up to {most:,})" if most is not None else ""
        lines.append(f"{setting_line(target, value)}{beyond}")
    return "\n".join(lines)


def up_to(target: Target, cap: int | None) -> str:
    """A hint in an empty field, short enough for a phone."""
    if cap is None:
        return f"{SETTINGS[target.name].smallest} or more; empty: {setting_value(target, None)}"
    standard = default_of(target)
    return f"1 to {cap:,}; empty: {'no own limit' if standard is None else standard}"


def role_label(role: str) -> str:
    """The field of a role's allowance."""
    return f"Credits a day for {role}" if role else "Credits a day"


def roles_said(rules: Rules) -> str:
    """The allowances of roles."""
    targets = [Target("member_day", role_id=role) for role in rules.role_allowances]
    lines = [f"<@&{one.role_id}>: {setting_value(one, value_of(rules, one))}" for one in targets]
    said = shortened(lines, 1000) or "-# No role has one."
    return f"**Credits a day by role** (the best of a member's roles counts)\n{said}"


def channels_said(rules: Rules) -> str:
    """Which channels have rules of their own."""
    said = " ".join(f"<#{channel}>" for channel in list(rules.channel_rules)[:LISTED])
    return f"**Channels with rules of their own**: {said or 'none'}\n-# Threads follow their channel."


def channel_said(channel_id: int) -> str:
    """The title of one channel's own rules."""
    return f"### <#{channel_id}> and its threads\n-# **Channels** leads back to all of them."


def words_said(lines: Sequence[str]) -> str:
    """The word rules, as many as fit."""
    if not lines:
        return f"{NO_WORDS}\n-# Prompts are checked from every command, button, form and reply."
    shown = [f"||{code(line)}||" for line in lines[:40]]
    more = f" and {len(lines) - 40:,} more" if len(lines) > 40 else ""  # noqa: PLR2004 - as many as above
    return f"**{counted(len(lines), 'word rule')}**: {' '.join(shown)}{more}"


SOURCES = {
    Source.OPERATOR: "the operator",
    Source.SERVER: "this server",
    Source.CHANNEL: "the channel",
    Source.ROLE: "a role",
    Source.AGE: "the channel is not age-restricted",
}
PICK_MEMBER = "What may a member do there?"


def effective_said(holds: Effective, catalogue: Catalogue) -> str:
    """What a member may do in a channel, and where each value comes from."""
    if not holds.open.value:
        return f"No images in this channel ({SOURCES[holds.open.source]})."
    if not holds.welcome.value:
        return f"May not order: needs a role with an allowance ({SOURCES[holds.welcome.source]})."
    month = holds.server_month
    lines = [
        (
            "Models",
            ", ".join(catalogue.model(name).title for name in holds.models.value) or "none",
            holds.models.source,
        ),
        ("Credits a day", f"{holds.member_day.value:,}", holds.member_day.source),
        ("Server, credits a day", f"{holds.server_day.value:,}", holds.server_day.source),
        ("Server, credits a month", "no limit" if month.value is None else f"{month.value:,}", month.source),
        ("Orders on the way", f"{holds.member_jobs.value:,}", holds.member_jobs.source),
        ("Largest resolution", holds.largest_resolution.value or "any", holds.largest_resolution.source),
        ("Images in one order", str(holds.most_images.value or "any number"), holds.most_images.source),
        ("Content check up to", str(holds.safety.value), holds.safety.source),
        ("Approval by a moderator", "needed" if holds.approval.value else "not needed", holds.approval.source),
        ("Replies to images", SETTING_WORDS[holds.replies.value], holds.replies.source),
    ]
    return "\n".join(f"**{what}**: {value} · {SOURCES[source]}" for what, value, source in lines)


def preview_said(member_id: int, channel_id: int, holds: Effective, catalogue: Catalogue) -> str:
    """The answer to a look at one member in one channel."""
    return f"<@{member_id}> in <#{channel_id}>\n{effective_said(holds, catalogue)}"


def latest_said(changes: Sequence[Changed]) -> str:
    """The latest changes on the log page."""
    lines = [change_line(one) for one in changes]
    return f"**Latest changes**\n{shortened(lines, 1200) if lines else NO_CHANGES}"


def too_many_for_panel(name: str) -> str:
    """In place of a select that would hold more than Discord takes."""
    return f"-# More than fit into a select; **/settings set** `{name}` changes them."


def undone(changed: Changed) -> str:
    """After an undo."""
    return f"Undone. {change_said(changed)}"


def tested(rules: Sequence[WordRule]) -> str:
    """What a test of word rules says."""
    if not rules:
        return "No rule blocks that."
    shown = ", ".join(code(line_of(rule)) for rule in rules[:10])
    return f"{counted(len(rules), 'rule')} would block that: {shown}"


def _setting_refused(error: BotError) -> str | None:  # noqa: C901, PLR0912 - one sentence per error
    match error:
        case PanelOverError():
            return "This panel is over. Nothing was changed; please open **/settings panel** again."
        case UnknownSettingError(given=given):
            return f"There is no setting {code(given)}. **/settings show** lists them all."
        case NotForOneError(name=name, by=by):
            return f"{code(name)} cannot differ by {by}. Please leave `{by}` out."
        case BadValueError(name=name, given=given, allowed=()):
            kind, mark = ("role", "@") if name.endswith("_roles") else ("channel", "#")
            how = f"Please pick a {kind} from the list that opens at `{mark}`, or give its id."
            return f"{code(name)} cannot be {code(given)}. Nothing was changed. {how}"
        case BadValueError(name=name, given=given, allowed=allowed):
            return f"{code(name)} cannot be {code(given)}. It can be {listed(allowed[:12])}."
        case BadNumberError(name=name, given=given, smallest=smallest):
            return f"{code(name)} is a whole number from {smallest}, or `default`; {code(given)} is not. Nothing was changed."
        case OverCapError(name=name, cap=cap):
            return f"{code(name)} can be {cap:,} at most. Nothing was changed."
        case TooManyValuesError(limit=limit):
            return f"Up to {limit} fit into one setting. Nothing was changed."
        case NothingLeftError(of="channels"):
            return (
                "No channel would be left for images, so nothing was changed. Please choose the listed channels first."
            )
        case NothingLeftError(of="roles"):
            return (
                "No role with an allowance would be left, so nobody could order. Please give a role an allowance first."
            )
        case NothingLeftError():
            return "No model would be left, so nothing was changed. Please allow at least one."
        case UnchangedError():
            return "It is set like that already."
        case _:
            return None


def _words_rule_refused(error: BotError) -> str | None:
    match error:
        case NothingToUndoError():
            return "There is nothing to undo: that change is gone, or undone already."
        case BadPatternError(text=text, matches_everything=True):
            return f"The expression {code(text)} would block every prompt. Nothing was changed."
        case BadPatternError(text=text):
            return f"{code(text)} is no regular expression that I can use, or too large a one. Nothing was changed."
        case NoWordsGivenError():
            return "Please give `text`, or a `file` with one rule a line. Nothing was changed."
        case NoWordError(text=text, most=most):
            return f"{code(text)} is no rule: it needs 1 to {most} words. Signs need a regular expression, as in `/★/`."
        case WordTooLongError(text=text, limit=limit):
            return f"{code(text)} is too long: a rule has up to {limit} characters. Nothing was changed."
        case NotTextError(limit_bytes=limit):
            return f"That file is no text in UTF-8, or larger than {size_of(limit)}. Nothing was changed."
        case TooManyWordsError(limit=limit, patterns=True):
            return f"A server can have {limit:,} regular expressions. Nothing was changed."
        case TooManyWordsError(limit=limit):
            return f"A server can have {limit:,} word rules. Nothing was changed."
        case _:
            return None


def _control_refused(error: BotError) -> str | None:
    match error:
        case MissingPermissionsError(names=names):
            return f"I cannot post images in this channel: I need {' and '.join(names)}. Please ask a moderator."
        case StoppingError():
            return "The bot is restarting. Nothing was ordered; please try again in a minute."
        case ClosedError():
            return "The bot cannot generate right now. Nothing was ordered; please try again later."
        case NotYoursError(moderators=True):
            return "Only the person who ordered this and moderators can do that."
        case NotYoursError():
            return "Only the person who ordered this can do that."
        case _:
            return None


def _standing_refused(error: BotError) -> str | None:
    match error:
        case NotModeratorError():
            return "Only moderators of this server can do that."
        case NoLogThereError(channel_id=channel):
            return (
                f"I cannot keep a log in <#{channel}>: it must be a channel of this server with messages, and I need View"
                " Channel, Send Messages and Attach Files there. Nothing was changed."
            )
        case NotModeratorThereError(channel_id=channel):
            return (
                f"It was ordered in <#{channel}>, so only moderators of that channel can do this. Nothing was changed."
            )
        case NotOwnerError():
            return "Only the people who run this bot can do that."
        case BadServerError():
            return "That is no server's id. It is a long number; copy it with Discord's developer mode."
        case ExportTooLargeError():
            return "Your data does not fit into one file here. Please ask the people who run this bot for it."
        case SuspendedError():
            return "The bot is switched off for this server by the people who run it. Nothing was ordered."
        case SwitchedOffError():
            return (
                "The people who run this bot have switched it off for this server while your order waited."
                f" {NOT_CHARGED}"
            )
        case NotAllowedHereError():
            return "The people who run this bot have not opened it for this server yet. Nothing was ordered."
        case _:
            return None


def _gone_refused(error: BotError) -> str | None:
    match error:
        case JobGoneError():
            return "This order is not known any more."
        case OfferGoneError():
            return "This offer is over. Nothing was ordered; please ask again."
        case NothingToCancelError():
            return "There is nothing left to cancel here."
        case OriginalGoneError():
            return "The files of this order are no longer kept."
        case _:
            return None


def _conversation_refused(error: BotError) -> str | None:
    match error:
        case DraftGoneError():
            return "This form is over, so nothing was ordered. Please open it again."
        case BasketEmptyError():
            return (
                "Your basket is empty. Right-click a message with an image (hold it on a phone), then"
                f" **Apps** > **{ADD_TO_BLEND}**."
            )
        case BasketFullError(limit=limit, held=held, more=more):
            return (
                f"A basket holds {counted(limit, 'picture')}: yours has {held}, and that message has {more} more."
                " Please take some out first; **/blend** shows them."
            )
        case LargestAlreadyError():
            return "This is the largest size there is."
        case NothingBeforeError():
            return "There is no earlier image to show: this one was not made from another."
        case AlreadyGoneError():
            return "These images were deleted already."
        case JustBroughtBackError():
            return "That was posted here a moment ago. Please scroll down a little."
        case _:
            return None


def _reply_refused(error: BotError) -> str | None:  # noqa: C901 - one sentence per error
    match error:
        case UnknownOptionsError(given=given):
            more = f" and {len(given) - 5} more" if len(given) > 5 else ""  # noqa: PLR2004 - enough to see the mistake
            return (
                f"I do not know {listed(given[:5])}{more}. Options go last, such as `--ar 16:9 --model pro --2k`."
                " Nothing was ordered."
            )
        case NoSuchImageError(named=named, there=there):
            return f"There is no image {named} there: it has {counted(there, 'image')}. Nothing was ordered."
        case RepliesOffError():
            return "Ordering by messages is switched off here. **/imagine** and **/edit** work."
        case LinkGivenError():
            return (
                "I do not follow links. Please attach the image itself, or choose **Apps > Edit image** on its message."
            )
        case ImageHiddenError():
            return (
                "Discord does not show me that image. Choose **Apps > Edit image** on it, or attach it to your message."
            )
        case NoImageThereError():
            return "I see no image in that message. Attach one, or reply to a message that has one."
        case RepliedMessageGoneError():
            return "The message that you replied to is gone. Please attach the image to your message."
        case NothingSaidError():
            return "Say what to change, and attach an image or reply to one. **/help** tells the rest."
        case OnlyOwnPicturesError():
            return "In this server you can edit your own pictures and mine, not other people's."
        case PictureKeptError():
            return "The person who posted that picture does not want it edited by others."
        case _:
            return None


def _picture_refused(error: BotError) -> str | None:
    match error:
        case PictureGoneError(position=n):
            return f"Picture {n} is gone from Discord. {NOT_CHARGED} Please attach it again."
        case PictureUnreachableError(position=n):
            return f"Picture {n} could not be fetched from Discord. {NOT_CHARGED} Please try again."
        case NotAPictureError(position=n):
            return f"Picture {n} is not a picture inside, whatever its name says. {NOT_CHARGED}"
        case UnsupportedPictureError(position=n, kind=kind):
            return (
                f"Picture {n} is {kind.upper()}; I take PNG, JPEG, WebP, GIF and HEIC. {NOT_CHARGED} Please convert it."
            )
        case PictureTooLargeError(position=n, limit_bytes=limit):
            return f"Picture {n} is larger than {size_of(limit)}. {NOT_CHARGED} Please attach a smaller one."
        case PictureTooManyPixelsError(position=n, width=width, height=height, limit=limit):
            return (
                f"Picture {n} has {width:,} × {height:,} pixels; up to {limit // 1_000_000} million fit."
                f" {NOT_CHARGED} Please scale it down."
            )
        case PictureTooSmallError(position=n, limit=limit):
            return f"Picture {n} is too small: each side needs {limit} pixels. {NOT_CHARGED}"
        case BrokenPictureError(position=n):
            return f"Picture {n} is damaged or incomplete. {NOT_CHARGED} Please attach it again."
        case PictureWorkerError(position=n):
            return f"Picture {n} could not be read. {NOT_CHARGED} Please try again, or with another picture."
        case _:
            return None


def _generation_failed(error: BotError) -> str | None:  # noqa: C901, PLR0912 - one sentence per error
    match error:
        case ContentRefusedError():
            return f"fal's content check refused this. {NOT_CHARGED} Please change the prompt or the picture."
        case NoImageMadeError():
            return (
                f"The model made no image: often a quiet refusal, or a prompt it took for a question. {NOT_CHARGED}"
                " Please say it differently."
            )
        case PictureRefusedError(position=None):
            return f"fal could not use one of the pictures. {NOT_CHARGED} Please try another."
        case PictureRefusedError(position=n):
            return f"fal could not use picture {n}. {NOT_CHARGED} Please try another."
        case InvalidRequestError() | EndpointGoneError() | AccountError():
            return CANNOT_GENERATE
        case FalBusyError():
            return f"fal is too busy to take this now. {NOT_CHARGED} Please try again in a few minutes."
        case FalDownError():
            return f"fal is not working right now. {NOT_CHARGED} Please try again later."
        case WaitedTooLongError():
            return f"This waited too long for its turn, so it was given up. {NOT_CHARGED} Please try again later."
        case GenerationTimeoutError():
            return f"fal took too long, so this was given up. {NOT_CHARGED} Please try again."
        case CancelledAtFalError():
            return f"fal stopped this order. {NOT_CHARGED} Please try again."
        case SubmitUnansweredError():
            return (
                "The connection broke while this was on its way to fal. I am looking for it there: if it arrived, your"
                " images will come; if not, your credits come back by themselves."
            )
        case LostError():
            return f"Your order did not show up at fal. {NOT_CHARGED} Please try again."
        case ResultGoneError():
            return f"fal made the images, but they could not be fetched. {NOT_CHARGED} Please try again."
        case DeliveryError():
            return "Your images are ready but could not be posted here. They are kept for now: **/jobs** shows them."
        case UnexpectedError():
            return f"Something went wrong on our side. {NOT_CHARGED} Please try again."
        case _:
            return None


# --- people ---------------------------------------------------------------------------------------

PEOPLE_COMMANDS = {
    "block": "Stop a member from ordering images here",
    "unblock": "Let a member order again; takes their strikes away, too",
    "strike": "Warn a member; several strikes block for some days, as the settings say",
    "who": "What a member may do in this channel, and why",
    "allowance": "Credits for one member, for today",
    "grant": "Give a member more credits for today",
    "reset": "Let what a member spent today not count for them",
}
PEOPLE_OPTIONS = {
    "member": "The member; an id works for somebody who left",
    "reason": "The reason; the member reads it",
    "days": "For how many days; until somebody ends it if left out",
    "credit": "How many credits to add for today",
}
GRANT_REASON = "The reason, for the log"


def conduct(member_id: int, now: Conduct, reason: str) -> str:
    """How a member stands with the moderators; `reason` is made quiet by the caller."""
    because = f" Reason: {reason}" if reason else ""
    if now.block is not None:
        end = "until a moderator ends it" if now.block.until is None else f"until {moment(now.block.until)}"
        struck = f"; {counted(now.strikes, 'strike')} of {now.strike_rules.to_block}" if now.strikes else ""
        return f"<@{member_id}> is **blocked** {end}, by <@{now.block.done_by}>{struck}.{because}"
    granted = f", {credits_of(now.granted)} granted for today" if now.granted else ""
    return f"<@{member_id}> is not blocked; {strikes_said(now.strikes, now.strike_rules)}{granted}.{because}"


def strikes_said(strikes: int, rules: StrikeRules) -> str:
    """How many count, and what they lead to."""
    ahead = f"in {counted(rules.days, 'day')}, then a block for {counted(rules.block_days, 'day')}"
    return f"{counted(strikes, 'strike')} of {rules.to_block} {ahead}"


TELLING = "-# Telling them in a direct message …"
TOLD = "-# They were told in a direct message."
NOT_TOLD = "-# They could not be told: direct messages from here do not reach them."


def news(what: News, server: str, reason: str) -> str:
    """The direct message to a member about whom a moderator did something; `server` and `reason` come in quiet."""
    if what.act is Act.UNBLOCK:
        return f"You can order images in **{server}** again, and you have no strikes there any more."
    said = f"A moderator of **{server}** has {'given you a strike for' if what.act is Act.STRIKE else 'stopped'}"
    because = f" The reason given: {reason}" if reason else ""
    block, strikes = what.conduct.block, what.conduct.strike_rules
    lines = [f"{said} your image orders there.{because}"]
    if block is not None:
        end = "until a moderator lets you order again" if block.until is None else f"until {moment(block.until)}"
        lines.append(f"You cannot order images there {end}. What is on its way still comes, and your images stay.")
    else:
        lines.append(
            f"It is {what.conduct.strikes} of {strikes.to_block}, and you can go on ordering. A strike counts for"
            f" {counted(strikes.days, 'day')}; {strikes.to_block} of them stop your orders for"
            f" {counted(strikes.block_days, 'day')}."
        )
    return "\n".join([*lines, "If you think that this is a mistake, please talk to a moderator there."])


def left_of(member_id: int, now: Standing) -> str:
    """What a member has left, for a moderator."""
    return (
        f"<@{member_id}> has {credits_of(now.member_left)} of {now.member_limit:,} left today"
        f" and {counted(now.jobs, 'order')} on the way; this server has {credits_of(now.server_left)} left."
    )


def unblocked(member_id: int, *, ended: bool) -> str:
    """The answer of /unblock."""
    if not ended:
        return f"<@{member_id}> is not blocked and has no strikes."
    return f"<@{member_id}> may order again, and has no strikes any more."


def granted(member_id: int, credit: int, total: int) -> str:
    """The answer of /allowance grant."""
    return f"<@{member_id}> has {credits_of(credit)} more for today; {credits_of(total)} granted in all."


def allowance_reset(member_id: int, credit: int) -> str:
    """The answer of /allowance reset."""
    if not credit:
        return f"<@{member_id}> has spent nothing today that still counts."
    do, them = ("does", "it") if credit == 1 else ("do", "them")
    return (
        f"{credits_of(credit)} of <@{member_id}> {do} not count any more today. The server's limit still counts {them}."
    )


def moment(unix: float) -> str:
    """A date and time, in the reader's own."""
    return f"<t:{int(unix)}:f> (<t:{int(unix)}:R>)"


REASON_SHOWN = 200
"""Characters, which is all that a reason may have."""


def _people_refused(error: BotError) -> str | None:
    match error:
        case BlockedError(until=until, reason=reason):
            end = "" if until is None else f" until {moment(until)}"
            because = f" The reason given: {code(reason, REASON_SHOWN)}." if reason else ""
            return f"You cannot order images in this server{end}.{because} A moderator here can tell you more."
        case MayNotBlockError(oneself=True):
            return "That is you: ask another moderator. Nothing was changed."
        case MayNotBlockError():
            return "Bots order nothing here, so there is nothing to block. Nothing was changed."
        case _:
            return None


# --- the log channel ------------------------------------------------------------------------------

LOGGED = (
    "This server keeps a log for its moderators: orders with prompt and price, a small copy of the images, refusals and"
    " deletions. Of a private order it has who, when, model and price only."
)
DELETE_AND_RELEASE = "Delete and release"
STRIKE = "Strike"
STRIKE_FORM = "Strike"
STRIKE_REASON = "Reason"
STRIKE_HINT = "May stay empty; the member is told."


def log_ordered(job: Job, model: str, at: float) -> str:
    """An order was taken."""
    facts = [model, credits_of(job.credits), clock_time(at)]
    if job.order.private:
        return _entry(f"**Private order** by <@{job.order.member_id}>", facts)
    what = "Edit ordered" if job.order.is_edit else "Ordered"
    return _entry(f"**{what}** by <@{job.order.member_id}> in <#{job.order.channel_id}>", facts)


def log_finished(job: Job, model: str, at: float) -> str:
    """Images are made."""
    facts = [model, credits_of(job.cost)]
    if job.order.private:
        return _entry(f"**Private result** for <@{job.order.member_id}>", [*facts, clock_time(at)])
    facts += [counted(len(job.pictures), "image"), _way_to(job)]
    lines = [_entry(f"**Result** for <@{job.order.member_id}> in <#{job.order.channel_id}>", [*facts, clock_time(at)])]
    return "\n".join([*lines, *lineage(job), *_sources(job)])


def _way_to(job: Job) -> str:
    if not job.message_id:
        return "could not be posted: only **/jobs** shows it"
    if job.posted_in is not None:
        return "could not be posted there: sent to them in a direct message"
    return f"[Go to it]({address_of_result(job)})"


def _sources(job: Job) -> list[str]:
    """The pictures that went in, with a way to those that were found in messages."""
    if not job.order.is_edit:
        return []
    found = [one.origin for one in job.order.references if one.origin is not None]
    links = [
        f"[{number}]({address_of(job.order.guild_id, one.channel_id, one.message_id)})"
        for number, one in enumerate(found[:5], start=1)
    ]
    seen = f", seen here: {' '.join(links)}" if links else ""
    return [f"-# From {counted(len(job.order.references), 'picture')}{seen}"]


def log_failed(job: Job, model: str, at: float) -> str:
    """An order was called off, or ended badly."""
    facts, is_cancelled = [model, "nothing charged", clock_time(at)], job.state is State.CANCELLED
    how = "cancelled" if is_cancelled else "failed"
    if job.order.private:
        return _entry(f"**Private order {how}**, of <@{job.order.member_id}>", facts)
    head = _entry(f"**{how.capitalize()}**, an order of <@{job.order.member_id}> in <#{job.order.channel_id}>", facts)
    return head if is_cancelled else f"{head}\n-# They were told: {explain(unpacked(job.error or ''))}"


def log_refused(order: Order, error: RefusedError, model: str, at: float) -> str:
    """An order was not taken; moderators read which word rule it was, whatever the member was told."""
    facts = [*([model] if model else []), clock_time(at)]
    if order.private:
        return _entry(f"**Private order refused**, of <@{order.member_id}>", facts)
    reasons = [replace(one, named=True) if isinstance(one, WordForbiddenError) else one for one in (error, *error.also)]
    said = [f"-# {_sentence(one)}" for one in reasons[:MOST_REASONS]]
    return "\n".join([_entry(f"**Refused** <@{order.member_id}> in <#{order.channel_id}>", facts), *said])


def log_deleted(job: Job, model: str, at: float, *, by: int | None, given_back: int | None) -> str:
    """Images were deleted."""
    whose = f" of <@{job.order.member_id}>" if by != job.order.member_id else ""
    doer = "" if by is None else f" by <@{by}>"
    facts = [model, *([] if given_back is None else [given_back_fact(given_back)]), clock_time(at)]
    if job.order.private:
        return _entry(f"**Private images{whose} deleted**{doer}", facts)
    return _entry(f"**Images{whose} deleted**{doer}, made in <#{job.order.channel_id}>", facts)


def given_back_fact(credit: int) -> str:
    """What a deletion gave back."""
    return f"{credits_of(credit)} given back for today" if credit else "no credits given back"


def log_acted(done: Acted, at: float, reason: str) -> str:
    """What a moderator did about a member; the reason is escaped already."""
    whom, now = f"<@{done.member_id}>", done.conduct
    until = " until a moderator ends it" if now.block and now.block.until is None else ""
    if now.block and now.block.until is not None:
        until = f" until {moment(now.block.until)}"
    what = {
        Act.BLOCK: f"**Blocked** {whom}{until}",
        Act.UNBLOCK: f"**Unblocked** {whom}",
        Act.STRIKE: f"**Strike** for {whom}, "
        + (f"now blocked{until}" if now.block else f"{counted(now.strikes, 'strike')} of {now.strike_rules.to_block}"),
        Act.GRANT: f"**Granted** {whom} {credits_of(done.credits)} for today",
        Act.RESET: f"**Reset** what {whom} spent today: {credits_of(done.credits)}",
    }[done.act]
    return "\n".join(
        [_entry(f"{what}, by <@{done.by}>", [clock_time(at)]), *([f"-# Reason: {reason}"] if reason else [])]
    )


def log_changed(changed: Changed, at: float) -> str:
    """Settings or word rules were changed."""
    return f"{_entry(f'**Settings** changed by <@{changed.by}>', [clock_time(at)])}\n{change_said(changed)}"


def log_left_out(count: int) -> str:
    """There were more entries than could be posted."""
    return f"-# {counted(count, 'entry') if count == 1 else f'{count:,} entries'} left out here: too much happened at once."


LOG_DELETED = "-# Deleted since then."


def _entry(what: str, facts: Iterable[str]) -> str:
    return " · ".join([what, *facts])


def clock_time(unix: float) -> str:
    """To the second, in the reader's own time zone."""
    return f"<t:{int(unix)}:T>"


def ask_delete_and_release(credit: int) -> str:
    """Before a moderator deletes a member's images."""
    said = "Delete these images for everyone? Their files go, too, and cannot be brought back."
    if not credit:
        return f"{said} They were not charged today, and a grant is for today alone, so no credits come back."
    return f"{said} Their member gets {credits_of(credit)} more for today; what the server has spent stays as it is."


def deleted_and_released(member_id: int, credit: int) -> str:
    """After it."""
    if not credit:
        return "Deleted. Nothing was given back: they have spent nothing today that still counts."
    return f"Deleted. <@{member_id}> has {credits_of(credit)} more for today."
