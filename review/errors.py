"""What the room refuses, and why. Pages show the texts of ``review/texts`` under the same codes."""

from __future__ import annotations

from models.errors import ChasilError


class Refused(ChasilError):
    """Base of all that the room refuses to do."""

    code = "refused"


class NotAllowed(Refused):
    """The user's role does not allow it."""

    code = "not_allowed"
    remedy = "Ask a supervisor, or sign in with another account."


class OutsideRegion(Refused):
    """The item or photo lies outside the user's regions."""

    code = "outside_region"
    remedy = "Ask a supervisor to widen your region, or go back to the queue."


class NoSuchItem(Refused):
    """There is no such item."""

    code = "no_such_item"
    remedy = "Go back to the queue."


class NoSuchPhoto(Refused):
    """There is no such photo in the store."""

    code = "no_such_photo"
    remedy = "Run `chasil process` with the folder it is in."


class NotAPicture(Refused):
    """The file can't be shown as a picture."""

    code = "not_a_picture"
    remedy = "Ask for a better photo, and answer that it can't be read."


class Stale(Refused):
    """Somebody decided, or the facts changed, since the page was opened."""

    code = "stale"
    remedy = "Look at the item again: what you typed was not saved."


class HeldByOther(Refused):
    """Somebody else is at work on the item."""

    code = "held_by_other"
    remedy = "Take the next item; this one comes free when the other stops."


class AlreadyDone(Refused):
    """Nothing is left to decide."""

    code = "already_done"
    remedy = "Take the next item, or undo the decision if it is yours."


class BlindFirst(Refused):
    """Nobody decides before saying what the paper says."""

    code = "blind_first"
    remedy = "First type what the paper says."


class AnswerMissing(Refused):
    """The blind answer says nothing, or two things."""

    code = "answer_missing"
    remedy = "Type the number on the paper, or choose why there is none."


class AnsweredAlready(Refused):
    """The blind answer was given; entry and reading have been shown since."""

    code = "answered_already"
    remedy = "Decide now; the number you decide may differ from your first answer."


class OutcomeMissing(Refused):
    """No outcome was chosen."""

    code = "outcome_missing"
    remedy = "Choose what you found. Enter alone decides nothing."


class NotConfirmed(Refused):
    """Enter was pressed in a field: that alone decides nothing."""

    code = "not_confirmed"
    remedy = "Press the button of the decision, or Ctrl + Enter."


class OutcomeIncomplete(Refused):
    """The chosen outcome needs something more, or does not fit the numbers."""

    code = "outcome_incomplete"
    remedy = "Fill in what the outcome needs."


class SamePerson(Refused):
    """The second look must be another person's."""

    code = "same_person"
    remedy = "Take the next item; another auditor will look at this one."


class ForSupervisor(Refused):
    """Two auditors disagree; a supervisor settles it."""

    code = "for_supervisor"
    remedy = "Take the next item."


class NothingToUndo(Refused):
    """There is no decision of this user to undo."""

    code = "nothing_to_undo"
    remedy = "A supervisor can undo what others decided."


class BadSetting(Refused):
    """A setting that can't be."""

    code = "bad_setting"
    remedy = "Choose a value within the range."


class NoSuchRegion(Refused):
    """No region or TPS of that code is known."""

    code = "no_such_region"
    remedy = "Choose a region on the dashboard."


class NotYourAccount(Refused):
    """The account is the supervisor's own, or reaches beyond the supervisor's own regions."""

    code = "not_your_account"
    remedy = "Ask another supervisor, one without a limit."
