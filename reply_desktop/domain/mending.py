"""How an account is mended: numbered steps, each with the button or the page that carries it out."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.case import Case
from reply_desktop.domain.causes import CAUSES, Cause, Who, words
from reply_desktop.domain.help_links import Page, help_link, page_of
from reply_desktop.domain.provider import SINGLE_CLICK, Provider
from reply_desktop.domain.states import State
from reply_desktop.domain.suspects import Candidate, Reason, Weight


class Action(StrEnum):
    """What a step's button does in the app."""

    RECONNECT = "reconnect"
    CHECK = "check"
    EDIT_CREDENTIALS = "edit_credentials"
    PROVIDERS_SETTINGS = "providers_settings"
    RESUME = "resume"
    COPY_REPORT = "copy_report"


ACTION_WORDS: Final = MappingProxyType(
    {
        Action.RECONNECT: "Reconnect",
        Action.CHECK: "Check now",
        Action.EDIT_CREDENTIALS: "Edit credentials",
        Action.PROVIDERS_SETTINGS: "Open Settings → Providers",
        Action.RESUME: "Resume",
        Action.COPY_REPORT: "Copy the report",
    }
)
"""What each action's button says."""


@dataclass(frozen=True, slots=True)
class DiagnosisStep:
    """One thing to do. At most one of `action` and `url` is given; `label` is what the button says then.

    `hand_on`: the link is for somebody else, so it can be copied too.
    """

    text: str
    label: str | None = None
    action: Action | None = None
    url: str | None = None
    hand_on: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """A step before it is filled in for one account."""

    text: str
    page: Page | None = None
    action: Action | None = None
    providers: Collection[Provider] = frozenset(Provider)


_GOOGLE, _MICROSOFT, _OTHER = (frozenset({one}) for one in Provider)

_RECONNECT: Final = _Row("Press Reconnect and choose {address} in the browser.", action=Action.RECONNECT)
_CHECK: Final = _Row("Then press Check now.", action=Action.CHECK)
_SEND_REPORT: Final = _Row(
    "Copy the report at the end of this page and send it to your administrator.", action=Action.COPY_REPORT
)
_EDIT: Final = _Row("Press Edit credentials and enter the current password.", action=Action.EDIT_CREDENTIALS)
_PUBLISH: Final = _Row(
    "So that it does not happen again: as the owner of the Google project set its publishing status to In "
    "production. Reconnect once more after that, because sign-ins of Testing mode end all the same.",
    Page.AUDIENCE,
)
_LOOK_AT_APPS: Final = _Row(
    "If it happens again soon: see on the connected-apps page whether somebody removes this app.",
    Page.CONNECTED_APPS,
)

_THEIR_PART: Final = "Your administrator's part: "

ADMIN_STEPS: Final = MappingProxyType(
    {
        Cause.ADMIN_CONSENT: (
            _Row(
                "Approve the app for the organisation on this page. When the browser then shows that "
                "localhost cannot be reached, the approval has been given.",
                Page.ADMIN_CONSENT,
                providers=_MICROSOFT,
            ),
        ),
        Cause.NOT_ASSIGNED: (
            _Row(
                "In the enterprise application, under Users and groups, assign {address}; or set "
                "“Assignment required” to No.",
                Page.ADMIN_APPS,
                providers=_MICROSOFT,
            ),
        ),
        Cause.ADMIN_POLICY: (
            _Row(
                "Exempt this client ID, or {address}, from the Conditional Access policy that the sign-in "
                "log names for the time and the trace given below.",
                Page.ADMIN_POLICIES,
                providers=_MICROSOFT,
            ),
            _Row(
                "In API controls, App access control, add the client ID and set its access to Trusted.",
                Page.ADMIN_APPS,
                providers=_GOOGLE,
            ),
        ),
        Cause.DEVICE_POLICY: (
            _Row(
                "Enrol this computer, or exempt this client ID from the policy on approved devices.",
                Page.ADMIN_POLICIES,
                providers=_MICROSOFT,
            ),
        ),
        Cause.USER_RISK: (
            _Row(
                "Look at the risk reported for {address} and dismiss it, or reset the password.",
                Page.ADMIN_USERS,
            ),
        ),
        Cause.ACCOUNT_DISABLED: (
            _Row("Enable {address} again, if it is meant to be used.", Page.ADMIN_USERS),
        ),
        Cause.MAILBOX_DISABLED: (
            _Row(
                "Give {address} a licence with a mailbox, and switch its mail service on.",
                Page.ADMIN_USERS,
            ),
        ),
        Cause.SMTP_AUTH_OFF: (
            _Row(
                "Allow authenticated SMTP for the mailbox {address}; security defaults switch it off too.",
                Page.SMTP_AUTH,
            ),
        ),
        Cause.SIGN_IN_FREQUENCY: (
            _Row(
                "Exempt this client ID from the sign-in frequency, or lengthen it.",
                Page.ADMIN_POLICIES,
                providers=_MICROSOFT,
            ),
            _Row(
                "In Google Cloud session control exempt trusted apps, and set the client ID to Trusted.",
                Page.ADMIN_POLICIES,
                providers=_GOOGLE,
            ),
        ),
    }
)
"""Cause → what an administrator does about it. Sources: entra-docs (v2-admin-consent, assign-user-or-group,
Conditional Access), Google Workspace help 7281227 and 9368756, Exchange authenticated SMTP submission."""

STEPS: Final = MappingProxyType(
    {
        Cause.GRANT_REVOKED: (_RECONNECT,),
        Cause.TESTING_MODE_ENDED: (_RECONNECT, _PUBLISH),
        Cause.TESTING_MODE_ENDS: (_RECONNECT, _PUBLISH),
        Cause.TESTING_MODE_LIKELY: (_RECONNECT, _PUBLISH),
        Cause.IDLE_ENDS: (
            _Row("Check this computer's internet connection."),
            _Row("Then press Check now: a check that succeeds counts as use.", action=Action.CHECK),
        ),
        Cause.VAULT_KEY_MISSING: (
            _Row("Restore the keyring or key file you used before, then press Try again in the banner."),
            _Row("If it is gone for good, start over in Settings → General and sign in everywhere anew."),
        ),
        Cause.GRANT_MISSING: (
            _Row(_RECONNECT.text, action=Action.RECONNECT, providers=SINGLE_CLICK),
            _Row(_EDIT.text, action=Action.EDIT_CREDENTIALS, providers=_OTHER),
        ),
        Cause.SIGN_IN_FREQUENCY: (_RECONNECT,),
        Cause.SCOPE_MISSING: (
            _Row("Press Reconnect and leave every box ticked.", action=Action.RECONNECT),
            _Row(
                "If the browser shows no boxes: remove the app on the connected-apps page, then reconnect.",
                Page.CONNECTED_APPS,
                providers=SINGLE_CLICK,
            ),
        ),
        Cause.WRONG_PASSWORD: (_EDIT,),
        Cause.APP_PASSWORD_REQUIRED: (
            _Row(
                "Make an app password in the mailbox's security settings at the provider.", Page.APP_PASSWORD
            ),
            _Row("Press Edit credentials and enter it.", action=Action.EDIT_CREDENTIALS),
        ),
        Cause.ACCOUNT_LOCKED: (
            _Row("Wait half an hour, or unlock the account at the provider.", Page.SECURITY),
            _CHECK,
        ),
        Cause.UNKNOWN_ANSWER: (
            _Row("Wait for the next check, or press Check now.", action=Action.CHECK),
            _Row("If it lasts, press Reconnect.", action=Action.RECONNECT),
        ),
        Cause.MESSAGE_REFUSED: (
            _Row("Read below what the provider said, and check the recipient's address."),
            _CHECK,
        ),
        Cause.NOT_A_TESTER: (
            _Row(
                "In the Google project, under Audience, add {address} to the test users, or publish it.",
                Page.AUDIENCE,
            ),
            _CHECK,
        ),
        **{
            cause: (_SEND_REPORT, *(replace(row, text=f"{_THEIR_PART}{row.text}") for row in rows), _CHECK)
            for cause, rows in ADMIN_STEPS.items()
            if CAUSES[cause].who is Who.ADMIN
        },
    }
)
"""Causes whose steps are more than `CAUSES` tells in a line or two."""

EXTRA: Final = MappingProxyType(
    {
        Reason.TESTING_MODE: (_PUBLISH,),
        Reason.ACCESS_REMOVED: (_LOOK_AT_APPS,),
        Reason.APP_PASSWORD: (
            _Row(
                "If two-step verification is on: make an app password and enter that instead.",
                Page.APP_PASSWORD,
            ),
        ),
        Reason.SESSION_POLICY: tuple(
            replace(row, text=f"{_THEIR_PART}{row.text}") for row in ADMIN_STEPS[Cause.SIGN_IN_FREQUENCY]
        ),
        Reason.ADMIN_ENDED: (
            _Row(
                "Ask your administrator whether the app was blocked, and send the report below.",
                action=Action.COPY_REPORT,
            ),
        ),
        Reason.TOO_MANY_GRANTS: (
            _Row(
                "Use the client ID in fewer places, or remove copies of the app that are no longer used.",
                Page.CONNECTED_APPS,
            ),
        ),
    }
)
"""Likely reason → what to do about it beyond getting the account going again."""

AGAIN: Final = MappingProxyType(
    {
        Reason.TESTING_MODE: "It happens again every 7 days until the owner of the app registration acts.",
        Reason.SESSION_POLICY: "It happens again until your administrator changes the rule.",
        Reason.ADMIN_ENDED: "If it does not last, your administrator must act.",
    }
)
"""Likely reason → who else must act, besides the one whom the cause names."""

_ACTIONS: Final = (
    ("Edit credentials", Action.EDIT_CREDENTIALS),
    ("ress Reconnect", Action.RECONNECT),
    ("econnect {address}", Action.RECONNECT),
    ("Check now", Action.CHECK),
    ("Settings → Providers", Action.PROVIDERS_SETTINGS),
)
"""Words in a step of `CAUSES`, and the button that is meant; the first that fits counts."""

_CONSOLES: Final = frozenset({Page.CONSOLE, Page.AUDIENCE, Page.API})

_PAGE_STEPS: Final[Mapping[Page | None, _Row]] = MappingProxyType(
    {
        Page.STATUS: _Row("See whether {provider} reports trouble.", Page.STATUS),
        Page.CONNECTED_APPS: _LOOK_AT_APPS,
    }
)

_STATE_STEPS: Final = MappingProxyType(
    {
        State.PAUSED: _Row("Press Resume to let it go on.", action=Action.RESUME),
        State.NEW: _Row("Press Reconnect and sign in as {address} in the browser.", action=Action.RECONNECT),
        State.SIGNING_IN: _Row("Finish the sign-in in the browser."),
    }
)


def steps(case: Case, found: Iterable[Candidate]) -> tuple[DiagnosisStep, ...]:
    """What to do, in order: what gets the account going, then what keeps it from happening again."""
    account = case.account
    rows: list[_Row] = []
    if account.state in _STATE_STEPS:
        rows.append(_STATE_STEPS[account.state])
    if account.cause is not None and account.state is not State.SIGNING_IN:
        rows += STEPS.get(account.cause) or _told(account.cause)
        extra = [row for one in found if one.weight is Weight.LIKELY for row in EXTRA.get(one.reason, ())]
        rows += extra
        page = page_of(account.cause)
        more = None if page in {row.page for row in rows} else _PAGE_STEPS.get(page)
        if more and page and help_link(page, case.site):
            rows.append(more)
    return tuple(_filled(case, row) for row in dict.fromkeys(rows) if case.provider in row.providers)


def admin_steps(case: Case) -> tuple[DiagnosisStep, ...]:
    """What an administrator can do about the present cause; empty where none is needed."""
    cause = case.account.cause
    rows = ADMIN_STEPS.get(cause, ()) if cause else ()
    return tuple(_filled(case, row) for row in rows if case.provider in row.providers)


def who_fixes(case: Case, found: Iterable[Candidate]) -> str:
    """Who can fix it, in a sentence or two; empty for an account that is well."""
    if case.account.cause is None:
        return ""
    told = words(case.account.cause, case.account.address, case.name).who_fixes
    others = [AGAIN[one.reason] for one in found if one.weight is Weight.LIKELY and one.reason in AGAIN]
    return " ".join([told, *dict.fromkeys(others)])


def _told(cause: Cause) -> tuple[_Row, ...]:
    """The steps of `CAUSES`, each with its button; the first without one leads to the app's console."""
    told = CAUSES[cause].steps
    actions = [next((action for said, action in _ACTIONS if said in step), None) for step in told]
    page = page_of(cause)
    first = actions.index(None) if page in _CONSOLES and None in actions else -1
    return tuple(
        _Row(step, page if number == first else None, action)
        for number, (step, action) in enumerate(zip(told, actions, strict=True))
    )


def _filled(case: Case, row: _Row) -> DiagnosisStep:
    text, action = row.text, row.action
    if action is Action.RECONNECT and not case.account.can_reconnect:
        text, action = _EDIT.text, Action.EDIT_CREDENTIALS
    text = case.fill(text)
    if action is not None:
        return DiagnosisStep(text, ACTION_WORDS[action], action)
    link = help_link(row.page, case.site) if row.page else None
    if row.page is None or link is None:
        return DiagnosisStep(text)
    return DiagnosisStep(text, link.label, None, link.url, hand_on=row.page in _FOR_ADMINS)


_FOR_ADMINS: Final = frozenset(
    {Page.ADMIN_CONSENT, Page.ADMIN_APPS, Page.ADMIN_POLICIES, Page.ADMIN_USERS, Page.SMTP_AUTH}
)
