"""Every sentence a person can read, and the one mapping from errors to sentences.

Plain, short and kind: what happened, what it costs, what to do next. Discord's Markdown is allowed; what a member
typed comes in escaped already.
"""

from collections.abc import Iterable

from bot.domain.catalogue import Catalogue, Model
from bot.domain.errors import (
    AccountError,
    Allowance,
    AlreadyGoneError,
    BadChoiceError,
    BasketEmptyError,
    BasketFullError,
    BooksBusyError,
    BotError,
    BrokenPictureError,
    CancelledAtFalError,
    ClosedError,
    ContentRefusedError,
    DeclaredPictureError,
    DeliveryError,
    DraftGoneError,
    EmptyPromptError,
    EndpointGoneError,
    FalBusyError,
    FalDownError,
    GenerationTimeoutError,
    ImageHiddenError,
    InvalidRequestError,
    JobGoneError,
    JustBroughtBackError,
    LacksOptionError,
    LargestAlreadyError,
    LostError,
    MissingPermissionsError,
    NoImageMadeError,
    NoImageThereError,
    NoReferenceError,
    NoSuchImageError,
    NotAPictureError,
    NothingBeforeError,
    NothingSaidError,
    NothingToCancelError,
    NotYoursError,
    OfferGoneError,
    OnlyOwnPicturesError,
    OriginalGoneError,
    PictureGoneError,
    PictureKeptError,
    PictureRefusedError,
    PictureTooLargeError,
    PictureTooManyPixelsError,
    PictureTooSmallError,
    PictureUnreachableError,
    PictureWorkerError,
    PrivateForbiddenError,
    PromptTooLongError,
    QuotaExceededError,
    RepliedMessageGoneError,
    RepliesOffError,
    ResultGoneError,
    RulesChangedError,
    SafetyTooLaxError,
    SeedWithSeveralError,
    StoppingError,
    SubmitUnansweredError,
    TooManyJobsError,
    TooManyReferencesError,
    UnexpectedError,
    UnknownModelError,
    UnknownOptionsError,
    UnsupportedPictureError,
    WaitedTooLongError,
    unpacked,
)
from bot.domain.job import Job, State
from bot.domain.ledger import Standing
from bot.service.alerts import Subject
from bot.service.ports import Cancelling, Fetching, Generating, InLine, Phase, Preparing, Resuming, Searching, Shut

# --- commands -------------------------------------------------------------------------------------

COMMANDS = {
    "imagine": "Make images from words",
    "edit": "Change or combine pictures with words",
    "blend": "Combine the pictures in your basket; without a prompt it shows them",
    "quota": "See what you and this server have left today",
    "jobs": "Your orders here: cancel one, or get its images again",
    "help": "How this bot works, what it offers and what it costs",
}
OPTIONS = {
    "prompt": "What to make, in your own words (up to 4,000 characters)",
    "image": "The picture to change",
    "model": "Which model; Nano Banana 2 if you choose none",
    "aspect_ratio": "The shape, such as 16:9",
    "resolution": "The size, such as 2K",
    "images": "How many images, 1 to 4",
    "format": "The file format",
    "seed": "A number that makes one image reproducible",
    "safety": "Content check: 1 is the strictest",
    "web_search": "Let the model look things up on the web (costs a little more)",
    "thinking": "Let the model think before it draws",
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
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def when(unix: int) -> str:
    """A moment in the reader's own time zone, with how far away it is."""
    return f"<t:{unix}:t> (<t:{unix}:R>)"


def listed(words: Iterable[str]) -> str:
    """Such as `1K`, `2K`, `4K`."""
    return ", ".join(code(word) for word in words)


def code(typed: str) -> str:
    """What somebody typed, short, and unable to leave its quotes."""
    return "`" + typed[:40].replace("`", "'") + "`"


def size_of(count: int) -> str:
    """Bytes in people's units."""
    mib = count / (1024 * 1024)
    return f"{mib:.0f} MB" if mib >= 10 else f"{mib:.1f} MB"  # noqa: PLR2004 - one decimal below ten


def duration(seconds: float) -> str:
    """Such as `12 s` or `3 min 5 s`."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"  # noqa: PLR2004 - a minute


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


def _phase(phase: Phase) -> str:  # noqa: C901 - one line per phase
    match phase:
        case Preparing():
            return "Reading the pictures"
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
        case Generating(since=since):
            return f"Generating, started <t:{since}:R>"
        case Fetching():
            return "Done, fetching the images"
        case Cancelling():
            return "Cancelling: waiting for fal to confirm"
        case Searching():
            return (
                "The connection broke on the way to fal. Looking for the order there: if it arrived, the images will"
                " come; if not, the credits come back within the hour"
            )
        case Shut():
            return "Waiting: fal takes no orders right now"
        case Resuming():
            return "The bot is restarting; this goes on right after"


def result(job: Job, model: str, took: float) -> str:
    """Whose images they are, and what is to know about them."""
    sizes = sorted({(one.width, one.height) for one in job.pictures}, reverse=True)
    facts = [
        f"<@{job.order.member_id}>",
        model,
        " and ".join(f"{width} × {height}" for width, height in sizes),
        duration(took),
    ]
    facts.append(credits_of(job.charged if job.charged is not None else job.credits))
    if (seed := job.request.arguments.get("seed")) is not None:
        facts.append(f"seed {seed}")
    lines = [*lineage(job), f"-# {' · '.join(facts)}"]
    if job.cancel_wanted:
        lines.append("-# It was too late to cancel: fal had made this already.")
    if len(job.pictures) < job.request.images:
        lines.append(f"-# fal made {len(job.pictures)} of {job.request.images} images; only these were charged.")
    return "\n".join(lines)


def lineage(job: Job) -> list[str]:
    """Which edit of its chain it is, with a way to the image that it changed."""
    if not job.order.depth:
        return []
    seen = job.order.parent_message
    if seen is None:
        return [f"-# Edit {job.order.depth}"]
    address = f"https://discord.com/channels/{job.order.guild_id or '@me'}/{seen.channel_id}/{seen.message_id}"
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


def job_line(job: Job, model: str, prompt: str) -> str:
    """One order in /jobs."""
    price = credits_of(job.credits if job.charged is None else job.charged)
    lines = [f"**{STATES[job.state]}** · <t:{int(job.created_at)}:R> · {model} · {price}"]
    if job.error and job.state is State.FAILED:
        lines.append(f"-# {explain(unpacked(job.error))}")
    return "\n".join([*lines, quoted(prompt)])


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
        f" The {credits_of(charged)} that they cost are not returned."
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
    return f"It is here again: https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


def recipe_facts(job: Job, model: str, took: float | None, parent: str | None) -> str:
    """What is known of how an image was made."""
    lines = [f"### Recipe\n**{model}** · {credits_of(job.credits if job.charged is None else job.charged)}"]
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
        "fal refuses the account: the key is wrong, or the balance is out. New orders are refused until it is well.",
        "fal takes requests again.",
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
    Subject.DELIVERY: ("Finished images cannot be posted to Discord. They are kept and tried again.", "Posted again."),
    Subject.DISK: ("The disk of the data folder is nearly full.", "The disk has room again."),
}


def alert(subject: Subject, *, up: bool) -> str:
    """What the operator reads when something goes wrong, and when it is over."""
    wrong, over = ALERTS[subject]
    return f"**Alert:** {wrong}" if up else f"**Over:** {over}"


# --- panels ---------------------------------------------------------------------------------------


def standing(now: Standing) -> str:
    """The answer of /quota."""
    return (
        f"**You** have {credits_of(now.member_left)} of {now.member_limit:,} left today"
        f" and {counted(now.jobs, 'order')} on the way.\n"
        f"**This server** has {credits_of(now.server_left)} of {now.server_limit:,} left today.\n"
        f"Both renew {when(now.renews_at)}. One credit is one US cent of fal's list price."
    )


def help_page(catalogue: Catalogue, keep_days: int) -> str:
    """The one page of /help."""
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
        "- Moderators can cancel anybody's order."
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


def explain(error: BotError) -> str:
    """The sentence for an error. Every BotError has one; a test walks them all."""
    for explain_part in (
        _order_refused,
        _books_refused,
        _rules_refused,
        _control_refused,
        _conversation_refused,
        _reply_refused,
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
            return f"{code(name)} is not a picture I can use. Please attach a PNG, JPEG, WebP or GIF."
        case _:
            return None


def _books_refused(error: BotError) -> str | None:
    match error:
        case QuotaExceededError(allowance=Allowance.MEMBER_DAY, left=left, wanted=wanted, renews_at=at):
            return f"You have {credits_of(left)} left today and this needs {wanted}. More comes {when(at)}."
        case QuotaExceededError(allowance=Allowance.SERVER_DAY, left=left, wanted=wanted, renews_at=at):
            return f"This server has {credits_of(left)} left today and this needs {wanted}. More comes {when(at)}."
        case QuotaExceededError(left=left, wanted=wanted, renews_at=at):
            return f"The bot's budget for this month has {credits_of(left)} left and this needs {wanted}. More comes {when(at)}."
        case TooManyJobsError(of_member=True, limit=limit):
            return f"You have {counted(limit, 'order')} on the way already. Please wait for one, or cancel it."
        case TooManyJobsError(limit=limit):
            return f"This server has {counted(limit, 'order')} on the way already. Please try again in a minute."
        case BooksBusyError():
            return "The bot is very busy. Nothing was ordered; please try again in a moment."
        case _:
            return None


def _rules_refused(error: BotError) -> str | None:
    match error:
        case PrivateForbiddenError():
            return "Private results are switched off in this server. Please order without `private`."
        case RulesChangedError():
            return "Somebody else has just changed these settings. Nothing was changed by you; please look again."
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
        case NotYoursError():
            return "Only the person who ordered this and moderators can do that."
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


def _reply_refused(error: BotError) -> str | None:
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
            return f"Picture {n} is {kind.upper()}; I take PNG, JPEG, WebP and GIF. {NOT_CHARGED} Please convert it."
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
                " images will come; if not, your credits come back within the hour."
            )
        case LostError():
            return f"Your order did not show up at fal. {NOT_CHARGED} Please try again."
        case ResultGoneError():
            return f"fal made the images, but they could not be fetched. {NOT_CHARGED} Please try again."
        case DeliveryError():
            return "Your images are ready but could not be posted here. They are kept: **/jobs** shows them."
        case UnexpectedError():
            return f"Something went wrong on our side. {NOT_CHARGED} Please try again."
        case _:
            return None
