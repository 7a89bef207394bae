"""Every way an order can end badly, as types with fields; the sentences are in `bot.texts`.

    BotError
    ├── RefusedError          before anything is held or spent; the member may change the order and try again
    ├── PictureError          a member's picture cannot be used
    ├── GenerationError       fal did not make the images
    ├── Approval…Error        no moderator approved it
    ├── UnexpectedError       a defect of ours
    └── DeliveryError         the images exist but could not be posted

No error's text carries a prompt, a token, an address or image data: fields are the only content.
"""

import json
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Any, ClassVar


class BotError(Exception):
    """Something a person can be told; `bot.texts.explain` has its sentence."""

    again: ClassVar[bool] = False
    """Whether ordering the same again may help."""

    @property
    def code(self) -> str:
        """A stable name for the job's row and the log: the class name without its suffix."""
        return type(self).__name__.removesuffix("Error")


class UnexpectedError(BotError):
    """A defect of ours; the details are in the log."""

    again = True


# --- refused before anything is spent -------------------------------------------------------------


class RefusedError(BotError):
    """The order was not accepted; nothing was held."""

    also: "tuple[RefusedError, ...]" = ()
    """Further reasons, which hold as well; the error itself is the most telling one. Not kept with a job."""


class EmptyPromptError(RefusedError):
    """The prompt has no visible character."""


@dataclass(kw_only=True, eq=False)
class PromptTooLongError(RefusedError):
    """The prompt is longer than `limit` characters."""

    limit: int
    length: int


@dataclass(kw_only=True, eq=False)
class UnknownModelError(RefusedError):
    """No model of that name is in the catalogue."""

    given: str
    names: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class LacksOptionError(RefusedError):
    """The model has no such option at all."""

    model: str
    option: str
    models: tuple[str, ...]
    """Titles of the models that do have it."""


@dataclass(kw_only=True, eq=False)
class BadChoiceError(RefusedError):
    """The model has the option, but not that value."""

    model: str
    option: str
    given: str
    allowed: tuple[str, ...]


class SeedWithSeveralError(RefusedError):
    """A seed together with several images: fal makes identical twins of them."""


@dataclass(kw_only=True, eq=False)
class SafetyTooLaxError(RefusedError):
    """The chosen tolerance is above what the operator allows."""

    limit: int


class NoReferenceError(RefusedError):
    """An edit without a picture."""


@dataclass(kw_only=True, eq=False)
class TooManyReferencesError(RefusedError):
    """More pictures than the model takes."""

    model: str
    limit: int
    given: int


class PrivateForbiddenError(RefusedError):
    """The server's rules allow no private results."""


class PrivateNeedsApprovalError(RefusedError):
    """Orders are approved by moderators here, and one of them would have to read what is private."""


class NoLogChannelError(RefusedError):
    """Orders are approved by moderators here, but there is no log channel that the bot can use."""


@dataclass(kw_only=True, eq=False)
class AnsweredAlreadyError(RefusedError):
    """A moderator has answered before."""

    by: int
    """Member id."""
    given: bool
    """Whether they approved."""


class NotWaitingError(RefusedError):
    """The order needs no approval, or none any more."""


@dataclass(kw_only=True, eq=False)
class DeclaredPictureError(RefusedError):
    """An attachment whose name, declared type or declared size already rules it out."""

    filename: str
    limit_bytes: int
    too_large: bool
    """True when the size is the reason, False when the type is."""


class Allowance(StrEnum):
    """Whose allowance in which window was used up."""

    MEMBER_DAY = "member_day"
    SERVER_DAY = "server_day"
    SERVER_MONTH = "server_month"
    OPERATOR_MONTH = "operator_month"


@dataclass(kw_only=True, eq=False)
class QuotaExceededError(RefusedError):
    """The order needs more credits than are left."""

    allowance: Allowance
    left: int
    wanted: int
    renews_at: int
    """Unix seconds."""


@dataclass(kw_only=True, eq=False)
class TooManyJobsError(RefusedError):
    """Too many orders are on their way already."""

    of_member: bool
    """True when the member's own limit is the reason, False when the server's is."""
    limit: int


class RulesChangedError(RefusedError):
    """Somebody else changed the same rules in between."""


class SuspendedError(RefusedError):
    """The operator has suspended this server."""


class NotAllowedHereError(RefusedError):
    """The operator's allow list is on, and this server is not on it."""


# --- outside servers ------------------------------------------------------------------------------


class OutsideError(RefusedError):
    """The bot cannot post by itself where a person alone brought it."""


class StaysPrivateError(RefusedError):
    """What was ordered privately is not posted for others."""


class AgeRestrictedError(RefusedError):
    """What was made in an age-restricted channel is shown to everyone in such channels alone."""


class PersonalOffError(RefusedError):
    """The operator gives no credits to people outside servers."""


# --- a server's rules


class ChannelClosedError(RefusedError):
    """The server's rules allow no orders in that channel."""


class RoleNeededError(RefusedError):
    """Only members with certain roles may order, and this one has none of them."""


@dataclass(kw_only=True, eq=False)
class ModelForbiddenError(RefusedError):
    """The server's rules do not allow that model there."""

    model: str
    models: tuple[str, ...]
    """Titles of those that are allowed."""


@dataclass(kw_only=True, eq=False)
class ResolutionForbiddenError(RefusedError):
    """The images would be larger than the server's rules allow there."""

    limit: str


@dataclass(kw_only=True, eq=False)
class TooManyImagesError(RefusedError):
    """More images in one order than the server's rules allow."""

    limit: int
    given: int


@dataclass(kw_only=True, eq=False)
class SafetyForbiddenError(RefusedError):
    """The chosen tolerance is above what holds in that channel."""

    limit: int
    age_restricted: bool
    """True when it would be allowed in an age-restricted channel."""


@dataclass(kw_only=True, eq=False)
class WordForbiddenError(RefusedError):
    """A word rule of the server; `rule` is its text, and `named` whether members are told."""

    rule: str
    named: bool = True


class WordsSlowError(RefusedError):
    """The server's word rules took too long to look through; nothing was let through."""


@dataclass(kw_only=True, eq=False)
class NeedsGoAheadError(RefusedError):
    """The order costs more than the server's mark: its member is asked once more, by an offer."""

    credits: int
    above: int
    offer_id: str


# --- a moderator's change


class PanelOverError(RefusedError):
    """The panel is too old, or belongs to somebody else, to another server or to who they were before."""


@dataclass(kw_only=True, eq=False)
class UnknownSettingError(RefusedError):
    """There is no setting of that name."""

    given: str


@dataclass(kw_only=True, eq=False)
class NotForOneError(RefusedError):
    """The setting cannot differ by channel or role."""

    name: str
    by: str
    """`channel` or `role`."""


@dataclass(kw_only=True, eq=False)
class BadValueError(RefusedError):
    """A value that the setting does not take."""

    name: str
    given: str
    allowed: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class BadNumberError(RefusedError):
    """No whole number, or one below the smallest."""

    name: str
    given: str
    smallest: int


@dataclass(kw_only=True, eq=False)
class OverCapError(RefusedError):
    """More than the operator, or the server's own limit, allows."""

    name: str
    cap: int


@dataclass(kw_only=True, eq=False)
class TooManyValuesError(RefusedError):
    """More roles or channels than one setting holds."""

    limit: int


@dataclass(kw_only=True, eq=False)
class NothingLeftError(RefusedError):
    """The change would leave members none of something."""

    of: str
    """`channels`, `models` or `roles`."""


class UnchangedError(RefusedError):
    """The setting has that value already."""


class NothingToUndoError(RefusedError):
    """That change is not known, or is undone already."""


@dataclass(kw_only=True, eq=False)
class BadPatternError(RefusedError):
    """No regular expression of RE2, or too large a one."""

    text: str
    matches_everything: bool = False


class NoWordsGivenError(RefusedError):
    """Neither a text nor a file came with what should be done about word rules."""


@dataclass(kw_only=True, eq=False)
class NoWordError(RefusedError):
    """A word rule without any word, or with too many."""

    text: str
    most: int


@dataclass(kw_only=True, eq=False)
class WordTooLongError(RefusedError):
    """A word rule has more characters than fit."""

    text: str
    limit: int


@dataclass(kw_only=True, eq=False)
class TooManyWordsError(RefusedError):
    """More word rules than a server may have."""

    limit: int
    patterns: bool = False
    """True when regular expressions are too many, False when all rules together are."""


@dataclass(kw_only=True, eq=False)
class NotTextError(RefusedError):
    """A file of word rules that is no text, or too large."""

    limit_bytes: int


class BooksBusyError(RefusedError):
    """The books did not answer in time. A hold that was not written by then is none."""


class ActUnsureError(RefusedError):
    """Nobody knows in time whether what a moderator does about a member was written."""


class OperatorUnsureError(RefusedError):
    """Nobody knows in time whether what the operator wants was written."""


@dataclass(kw_only=True, eq=False)
class MissingPermissionsError(RefusedError):
    """The bot cannot post images in that channel."""

    names: tuple[str, ...]


class StoppingError(RefusedError):
    """The bot is shutting down and takes no new orders."""


@dataclass(kw_only=True, eq=False)
class NotYoursError(RefusedError):
    """The control belongs to the requester."""

    moderators: bool = False
    """Whether moderators may use it, too."""


class NotModeratorError(RefusedError):
    """Only moderators may see or do this."""


@dataclass(kw_only=True, eq=False)
class NoLogThereError(RefusedError):
    """The log channel cannot be that one: it is not of the server, or the bot cannot write there."""

    channel_id: int


@dataclass(kw_only=True, eq=False)
class NotModeratorThereError(RefusedError):
    """Only moderators of the channel where it was ordered may do this."""

    channel_id: int


class NotOwnerError(RefusedError):
    """Only the bot's owners may do this."""


class BadServerError(RefusedError):
    """What was typed is no server's id."""


class ExportTooLargeError(RefusedError):
    """Everything about a member is larger than a file may be here."""


class JobGoneError(RefusedError):
    """The job of this button is not known any more."""


class OfferGoneError(RefusedError):
    """The offer was taken already, ran out, or belonged to an earlier process."""


class NothingToCancelError(RefusedError):
    """The job has ended, or its images are already on their way."""


class OriginalGoneError(RefusedError):
    """The files are no longer kept."""


class ClosedError(RefusedError):
    """fal refuses the operator's account, so new orders are refused until it is well again."""


# --- forms, baskets and the buttons of results ----------------------------------------------------


class DraftGoneError(RefusedError):
    """The form was open for too long, or its edit was ordered already."""


class BasketEmptyError(RefusedError):
    """A blend of nothing."""


@dataclass(kw_only=True, eq=False)
class BasketFullError(RefusedError):
    """More pictures than a basket holds."""

    limit: int
    held: int
    more: int


class LargestAlreadyError(RefusedError):
    """No model makes that image larger."""


class NothingBeforeError(RefusedError):
    """The image is nobody's edit."""


class AlreadyGoneError(RefusedError):
    """The images were deleted."""


class JustBroughtBackError(RefusedError):
    """The same was posted here a moment ago."""


# --- replies --------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class UnknownOptionsError(RefusedError):
    """Words after two dashes that are no options, or lack their value."""

    given: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class NoSuchImageError(RefusedError):
    """The reply names an image that the set does not have."""

    named: int
    there: int


class RepliesOffError(RefusedError):
    """The server's rules take no orders by messages."""


class ImageHiddenError(RefusedError):
    """Discord shows the bot no images of other people's messages."""


class LinkGivenError(RefusedError):
    """A message has a link where an image is needed."""


class NoImageThereError(RefusedError):
    """The message that was replied to holds no image."""


class RepliedMessageGoneError(RefusedError):
    """The message that was replied to was deleted."""


class NothingSaidError(RefusedError):
    """The bot was mentioned without a word."""


class OnlyOwnPicturesError(RefusedError):
    """The server's rules let members edit their own pictures and the bot's alone."""


class PictureKeptError(RefusedError):
    """The member who posted the picture lets nobody else edit it."""


# --- a member's picture ---------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class PictureError(BotError):
    """A member's picture cannot be used."""

    position: int = 1
    """Which of the order's pictures, from 1."""


class PictureGoneError(PictureError):
    """Discord does not serve the attachment any more."""


class PictureUnreachableError(PictureError):
    """The attachment could not be fetched now."""

    again = True


class NotAPictureError(PictureError):
    """The bytes are no picture of a known kind."""


@dataclass(kw_only=True, eq=False)
class UnsupportedPictureError(PictureError):
    """A picture, but of a kind that is not taken."""

    kind: str


@dataclass(kw_only=True, eq=False)
class PictureTooLargeError(PictureError):
    """More bytes than are taken."""

    limit_bytes: int


@dataclass(kw_only=True, eq=False)
class PictureTooManyPixelsError(PictureError):
    """More pixels than are taken."""

    width: int
    height: int
    limit: int


@dataclass(kw_only=True, eq=False)
class PictureTooSmallError(PictureError):
    """A side is shorter than `limit` pixels."""

    limit: int


class BrokenPictureError(PictureError):
    """The picture is truncated or damaged."""


class PictureWorkerError(PictureError):
    """The worker process failed on this picture."""

    again = True


# --- fal ------------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class GenerationError(BotError):
    """fal did not make the images."""

    may_be_billed: bool = False
    """True when fal may have charged for this all the same."""
    unsent: bool = False
    """True when fal surely did not take the request, so that it may be sent later."""


class ContentRefusedError(GenerationError):
    """fal's safety check refused the prompt or a picture."""


class NoImageMadeError(GenerationError):
    """The model answered without an image: a quiet refusal, or text only."""

    again = True


@dataclass(kw_only=True, eq=False)
class PictureRefusedError(GenerationError):
    """fal cannot use one of the pictures."""

    position: int | None = None
    """Which of the order's pictures, from 1; None when fal does not say."""
    unreadable: bool = False
    """True when fal could not fetch it, or not open what it fetched."""


@dataclass(kw_only=True, eq=False)
class InvalidRequestError(GenerationError):
    """fal refused the request's form: a mistake of ours or a changed endpoint."""

    kinds: tuple[str, ...] = ()
    """fal's error types and places, without any input."""


class EndpointGoneError(GenerationError):
    """The endpoint does not exist (any more)."""


class AccountError(GenerationError):
    """fal refuses the account: a bad key (401), or no balance or no right (403)."""


class FalBusyError(GenerationError):
    """fal takes no request now (429, 503)."""

    again = True


class FalDownError(GenerationError):
    """fal failed (5xx) or cannot be reached."""

    again = True


class SwitchedOffError(GenerationError):
    """The operator has closed the server, or taken it off the allow list, while the order waited."""


class WaitedTooLongError(GenerationError):
    """The order waited longer than `fal.max_wait` without reaching fal."""

    again = True


class GenerationTimeoutError(GenerationError):
    """The request did not end before its deadline."""

    again = True


class CancelledAtFalError(GenerationError):
    """fal confirms that the request was cancelled."""

    again = True


class SubmitUnansweredError(GenerationError):
    """The request may have reached fal, but its answer never came. It is never sent again."""


class LostError(GenerationError):
    """An unanswered request that did not show up in fal's list within `fal.find_lost`."""

    again = True


class ResultGoneError(GenerationError):
    """fal made the images but they could not be fetched."""

    again = True


# --- people ---------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class BlockedError(RefusedError):
    """A moderator has blocked this member, `until` a time (unix seconds) or until somebody ends it."""

    until: int | None
    reason: str


@dataclass(kw_only=True, eq=False)
class MayNotBlockError(RefusedError):
    """A moderator named themself, or a bot."""

    oneself: bool


# --- approval -------------------------------------------------------------------------------------


@dataclass(kw_only=True, eq=False)
class ApprovalRefusedError(BotError):
    """A moderator said no before anything was sent."""

    reason: str
    """Made quiet already; may be empty."""


class ApprovalExpiredError(BotError):
    """No moderator said anything in time."""

    again = True


class ApprovalUnaskedError(BotError):
    """The moderators could not be asked, or where they were asked is gone."""

    again = True


# --- delivery -------------------------------------------------------------------------------------


class DeliveryError(BotError):
    """The images exist but could not be posted anywhere; they are kept."""


# --- kept with a job ------------------------------------------------------------------------------


def packed(error: BotError) -> str:
    """An error as text for the job's row: its code and its fields."""
    values = {one.name: getattr(error, one.name) for one in fields(error)} if is_dataclass(error) else {}
    return json.dumps({"code": error.code, **values})


def unpacked(text: str) -> BotError:
    """The error that was packed; UnexpectedError when this version does not know it."""
    try:
        values: dict[str, Any] = json.loads(text)
        return _all_errors()[values.pop("code")](**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return UnexpectedError()


def _all_errors() -> dict[str, type[BotError]]:
    found: dict[str, type[BotError]] = {}
    waiting = [BotError]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__.removesuffix("Error")] = kind
        waiting.extend(kind.__subclasses__())
    return found


# --- start ----------------------------------------------------------------------------------------


@dataclass(eq=False)
class StartError(Exception):
    """The process cannot start; `reason` is the one line the operator reads."""

    reason: str

    def __str__(self) -> str:
        return self.reason
