"""Why an account is not plain green: one row of words per cause, and the kind of outcome it makes."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from reply_desktop.domain.states import OutcomeKind

_K = OutcomeKind


class Who(StrEnum):
    """Who can fix it."""

    YOU = "you"
    ADMIN = "admin"
    APP_OWNER = "app_owner"
    NOBODY = "nobody"


WHO_WORDS: Final = MappingProxyType(
    {
        Who.YOU: "You can fix this.",
        Who.ADMIN: "Your organisation's administrator must act.",
        Who.APP_OWNER: "The owner of the app registration (the client ID) must act.",
        Who.NOBODY: "You need not act: the app keeps trying.",
    }
)


class Link(StrEnum):
    """Where the one helpful link of a cause leads; the address follows from account and provider."""

    CONNECTED_APPS = "connected_apps"
    ADMIN_CONSENT = "admin_consent"
    ERROR_LOOKUP = "error_lookup"
    APP_CONSOLE = "app_console"
    STATUS_PAGE = "status_page"
    PROVIDERS_SETTINGS = "providers_settings"


class Cause(StrEnum):
    """Every reason the app can name; the value is the stable code used in JSON and the database."""

    UNPROVEN = "unproven"
    PROOF_STALE = "proof_stale"
    OFFLINE = "offline"
    UNREACHABLE = "unreachable"
    TLS_REJECTED = "tls_rejected"
    PORTAL = "portal"
    PROVIDER_TROUBLE = "provider_trouble"
    THROTTLED = "throttled"
    CLOCK_WRONG = "clock_wrong"
    VAULT_LOCKED = "vault_locked"
    VAULT_PASSPHRASE = "vault_passphrase"  # noqa: S105 - a cause's name
    VAULT_KEY_MISSING = "vault_key_missing"
    VAULT_NONE = "vault_none"
    UNKNOWN_ANSWER = "unknown_answer"
    ENCRYPTION_MISSING = "encryption_missing"
    MESSAGE_REFUSED = "message_refused"

    TESTING_MODE_ENDS = "testing_mode_ends"
    TESTING_MODE_LIKELY = "testing_mode_likely"
    CONSENT_ENDS = "consent_ends"
    SIGN_IN_ENDS = "sign_in_ends"
    IDLE_ENDS = "idle_ends"

    GRANT_REVOKED = "grant_revoked"
    GRANT_EXPIRED = "grant_expired"
    TESTING_MODE_ENDED = "testing_mode_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a cause's name
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 - a cause's name
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a cause's name
    APP_PASSWORD_REQUIRED = "app_password_required"  # noqa: S105 - a cause's name
    SIGN_IN_FREQUENCY = "sign_in_frequency"
    MFA_REQUIRED = "mfa_required"
    SIGN_IN_REQUIRED = "sign_in_required"
    CONSENT_MISSING = "consent_missing"
    SCOPE_MISSING = "scope_missing"
    WRONG_MAILBOX = "wrong_mailbox"
    GRANT_MISSING = "grant_missing"

    ADMIN_POLICY = "admin_policy"
    ADMIN_CONSENT = "admin_consent"
    NOT_ASSIGNED = "not_assigned"
    NOT_A_TESTER = "not_a_tester"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_NOT_FOUND = "account_not_found"
    DEVICE_POLICY = "device_policy"
    USER_RISK = "user_risk"
    MAILBOX_DISABLED = "mailbox_disabled"
    SMTP_AUTH_OFF = "smtp_auth_off"
    MAIL_ACCESS_OFF = "mail_access_off"
    APP_REJECTED = "app_rejected"
    APP_DELETED = "app_deleted"
    APP_NOT_PUBLIC = "app_not_public"
    APP_MISCONFIGURED = "app_misconfigured"
    APP_NOT_CONFIGURED = "app_not_configured"
    API_OFF = "api_off"


@dataclass(frozen=True, slots=True)
class CauseRow:
    """The words for one cause. `{address}` and `{provider}` are filled in by `words`.

    `app_level`: the trouble is the app registration's or the vault's, so it is told once and not per account.
    """

    kind: OutcomeKind
    who: Who
    short: str
    explanation: str
    steps: tuple[str, ...]
    link: Link | None = None
    app_level: bool = False


_RECONNECT = "Press Reconnect and choose {address} in the browser."
_CHECK = "Then press Check now."
_WAIT = ("Wait for the next check, or press Check now.",)
_ADMIN = "Send the provider's text (Details) to your administrator."

CAUSES: Final = MappingProxyType(
    {
        # Passing trouble
        Cause.UNPROVEN: CauseRow(
            _K.TRANSIENT,
            Who.NOBODY,
            "Not checked yet",
            "The app has not yet asked {provider} whether {address} still works.",
            _WAIT,
        ),
        Cause.PROOF_STALE: CauseRow(
            _K.TRANSIENT,
            Who.NOBODY,
            "Last proof is too old",
            "The last proof that {address} works is too old to be trusted, so it is not shown green.",
            ("Press Check now, or wait for the next check.",),
        ),
        Cause.OFFLINE: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "No connection: cannot reach {provider}",
            "This computer has no working internet connection, so {address} cannot be checked. "
            "Nothing is wrong with the account as far as the app knows.",
            ("Check this computer's internet connection.", "The app tries again by itself."),
        ),
        Cause.UNREACHABLE: CauseRow(
            _K.TRANSIENT,
            Who.NOBODY,
            "Cannot reach {provider}",
            "{provider} did not answer, so {address} could not be checked. "
            "Nothing is wrong with the account as far as the app knows.",
            ("Check this computer's internet connection, VPN or proxy.",),
            Link.STATUS_PAGE,
        ),
        Cause.TLS_REJECTED: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "Secure connection refused",
            "The certificate shown for {provider} is not trusted by this computer, so nothing was sent to it. "
            "A proxy, a virus scanner or a wrong clock is the usual reason.",
            (
                "Check the computer's date and time.",
                "On a company network, ask for its root certificate to be installed on this computer.",
            ),
        ),
        Cause.PORTAL: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "A network sign-in page is in the way",
            "Something else than {provider} answered: usually a hotel or guest network's sign-in page.",
            ("Open any web page and sign in to the network.", "The app tries again by itself."),
        ),
        Cause.PROVIDER_TROUBLE: CauseRow(
            _K.TRANSIENT,
            Who.NOBODY,
            "{provider} has trouble",
            "{provider} answered with a fault of its own. The account is untouched.",
            _WAIT,
            Link.STATUS_PAGE,
        ),
        Cause.THROTTLED: CauseRow(
            _K.TRANSIENT,
            Who.NOBODY,
            "{provider} asks to slow down",
            "{provider} limits how often it may be asked. The app waits as long as it was told to.",
            ("Wait until {provider} may be asked again.",),
        ),
        Cause.CLOCK_WRONG: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "This computer's clock is wrong",
            "The clock of this computer is off, so {provider} refuses what the app sends.",
            ("Set the date and time to automatic.", _CHECK),
        ),
        Cause.VAULT_LOCKED: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "Keyring is locked",
            "The key to your sign-ins is in this computer's keyring, and the keyring is locked. "
            "Nothing is lost; do not sign in again.",
            ("Unlock the keyring, then press Try again in the banner.",),
            None,
            True,
        ),
        Cause.VAULT_PASSPHRASE: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "Passphrase is needed",
            "The key to your sign-ins is locked with a passphrase, which is asked for after every start. "
            "Nothing is lost; do not sign in again.",
            ("Enter the passphrase in the banner.",),
            None,
            True,
        ),
        Cause.VAULT_NONE: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "Passphrase must be chosen",
            "This computer has no keyring that is fit for secrets, so sign-ins can be stored only under a "
            "passphrase.",
            ("Choose a passphrase in the banner.",),
            None,
            True,
        ),
        Cause.VAULT_KEY_MISSING: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "Key to the sign-ins is gone",
            "The key that opens your stored sign-ins is not where it was: the keyring or the key file was reset or "
            "replaced. If it is gone for good, each account must be reconnected.",
            (
                "Restore the keyring or key file you used before, then press Try again in the banner.",
                "If it is gone for good, start over in Settings → General, then press Reconnect on each account.",
            ),
            None,
            True,
        ),
        Cause.UNKNOWN_ANSWER: CauseRow(
            _K.TRANSIENT,
            Who.NOBODY,
            "Unclear answer from {provider}",
            "{provider} answered in a way the app does not know. To be safe it does not ask you to sign in "
            "again; it keeps trying.",
            ("Read the provider's text under Details.", "If it lasts, press Reconnect."),
        ),
        Cause.ENCRYPTION_MISSING: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "No secure connection offered",
            "The mail server of {address} offers no encrypted connection on this port, so the password was not "
            "sent to it. A wrong port, or a network that tampers with mail, is the usual reason.",
            (
                "Check port and security under Edit credentials: SMTP 465 with TLS or 587 with STARTTLS, IMAP 993 "
                "with TLS.",
                "If it worked before, try another network.",
            ),
        ),
        Cause.MESSAGE_REFUSED: CauseRow(
            _K.TRANSIENT,
            Who.YOU,
            "Message was refused",
            "{provider} let {address} sign in, but refused this message. The account itself is in order.",
            ("Read the provider's text under Details.", "Check the recipient's address."),
        ),
        # Proven, with a known end
        Cause.TESTING_MODE_ENDS: CauseRow(
            _K.WARNING,
            Who.YOU,
            "Sign-in ends soon (Testing mode)",
            "The Google project behind the client ID is in Testing mode, where every sign-in ends after 7 days.",
            (
                "Reconnect {address} before the date shown.",
                "To end this for good, set the project's publishing status to In production and reconnect.",
            ),
            Link.APP_CONSOLE,
        ),
        Cause.TESTING_MODE_LIKELY: CauseRow(
            _K.WARNING,
            Who.YOU,
            "Sign-in ends soon (Testing mode?)",
            "The last sign-in of {address} ended after 7 days, as sign-ins do while the Google project behind the "
            "client ID is in Testing mode. {provider} does not say so; it is learnt from that.",
            (
                "Press Reconnect and choose {address} in the browser before the date shown.",
                "To end this for good, set the project's publishing status to In production and reconnect.",
            ),
            Link.APP_CONSOLE,
        ),
        Cause.CONSENT_ENDS: CauseRow(
            _K.WARNING,
            Who.YOU,
            "Sign-in ends soon",
            "{provider} said when this sign-in ends; after that no mail can be sent from {address}.",
            (_RECONNECT,),
        ),
        Cause.SIGN_IN_ENDS: CauseRow(
            _K.WARNING,
            Who.YOU,
            "Sign-in will be asked for again soon",
            "{address} had to be signed in again after about the same time before. {provider} does not announce "
            "it; the date shown is learnt from that. If this sign-in lasts longer, the warning goes by itself.",
            (
                "Press Reconnect and choose {address} in the browser before the date shown.",
                "To make it rarer, ask your administrator to exempt this app.",
            ),
        ),
        Cause.IDLE_ENDS: CauseRow(
            _K.WARNING,
            Who.YOU,
            "Sign-in ends soon (unused)",
            "A sign-in that is not used ends by itself. {address} has not been used for long, and the app could "
            "not reach {provider} to keep it alive.",
            (
                "Check this computer's internet connection.",
                "Press Resume if the account is paused, then Check now: a successful check counts as use.",
            ),
        ),
        # The grant is dead
        Cause.GRANT_REVOKED: CauseRow(
            _K.LOST,
            Who.YOU,
            "Access was removed or has expired",
            "{provider} no longer accepts the sign-in of {address} and does not say why. Likely reasons: access "
            "was removed on the account's connected-apps page, the password was changed, the sign-in was unused "
            "for too long, or an administrator ended it.",
            (_RECONNECT, "If it happens again soon, open the connected-apps page and look for this app."),
            Link.CONNECTED_APPS,
        ),
        Cause.GRANT_EXPIRED: CauseRow(
            _K.LOST,
            Who.YOU,
            "Sign-in expired",
            "The sign-in of {address} was not used for too long or reached its end.",
            (_RECONNECT,),
        ),
        Cause.TESTING_MODE_ENDED: CauseRow(
            _K.LOST,
            Who.YOU,
            "Sign-in ended after 7 days (Testing mode)",
            "The Google project behind the client ID is in Testing mode, where every sign-in ends after 7 days.",
            (
                _RECONNECT,
                "To end this for good, set the project's publishing status to In production, then reconnect.",
            ),
            Link.APP_CONSOLE,
        ),
        Cause.PASSWORD_CHANGED: CauseRow(
            _K.LOST,
            Who.YOU,
            "Password changed or sessions ended",
            "The password of {address} was changed, or all its sessions were ended, after it was connected.",
            (_RECONNECT,),
        ),
        Cause.PASSWORD_EXPIRED: CauseRow(
            _K.LOST,
            Who.YOU,
            "Password has expired",
            "The password of {address} has expired.",
            ("Press Reconnect; the provider asks for a new password.",),
        ),
        Cause.WRONG_PASSWORD: CauseRow(
            _K.LOST,
            Who.YOU,
            "Password or user name refused",
            "The mail server refused the user name or password of {address}.",
            (
                "Press Edit credentials and enter the current password.",
                "If the provider uses two-step verification, create an app password and enter that.",
            ),
        ),
        Cause.APP_PASSWORD_REQUIRED: CauseRow(
            _K.LOST,
            Who.YOU,
            "App password needed",
            "The mail server of {address} does not take the normal password from mail programs; it wants a "
            "password made for this app.",
            (
                "Create an app password in the mailbox's security settings at the provider.",
                "Press Edit credentials and enter it.",
            ),
        ),
        Cause.SIGN_IN_FREQUENCY: CauseRow(
            _K.LOST,
            Who.YOU,
            "Your organisation asks to sign in again",
            "A policy of your organisation ends sign-ins after a set time. It will happen again.",
            (_RECONNECT, "To make it rarer, ask your administrator to exempt this app."),
        ),
        Cause.MFA_REQUIRED: CauseRow(
            _K.LOST,
            Who.YOU,
            "Second factor needed",
            "{provider} asks for multi-factor authentication for {address}.",
            (_RECONNECT,),
        ),
        Cause.SIGN_IN_REQUIRED: CauseRow(
            _K.LOST,
            Who.YOU,
            "Sign-in needed",
            "{provider} asks for a fresh sign-in of {address}.",
            (_RECONNECT,),
        ),
        Cause.CONSENT_MISSING: CauseRow(
            _K.LOST,
            Who.YOU,
            "Permission was withdrawn",
            "{address} has not given, or has withdrawn, permission for this app.",
            (_RECONNECT, "Accept the permissions shown."),
            Link.CONNECTED_APPS,
        ),
        Cause.SCOPE_MISSING: CauseRow(
            _K.LOST,
            Who.YOU,
            "Permission to send is missing",
            "The permission to send mail was not ticked for {address}, so the app cannot send from it.",
            ("Press Reconnect and leave every box ticked.",),
            Link.CONNECTED_APPS,
        ),
        Cause.WRONG_MAILBOX: CauseRow(
            _K.LOST,
            Who.YOU,
            "Signed in as somebody else",
            "The stored sign-in of {address} belongs to another mailbox.",
            (_RECONNECT,),
        ),
        Cause.GRANT_MISSING: CauseRow(
            _K.LOST,
            Who.YOU,
            "No sign-in stored",
            "The app holds no sign-in for {address}, for example after restoring a backup made elsewhere.",
            (
                "Press Reconnect and choose {address} in the browser; for a password account press "
                "Edit credentials.",
            ),
        ),
        # Somebody else must act
        Cause.ADMIN_POLICY: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "Blocked by your organisation",
            "A policy of your organisation does not let this app use {address}.",
            (_ADMIN, _CHECK),
            Link.ERROR_LOOKUP,
        ),
        Cause.ADMIN_CONSENT: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "Administrator must approve the app",
            "Your organisation lets people use this app only after an administrator approved it.",
            ("Send your administrator the approval link.", _CHECK),
            Link.ADMIN_CONSENT,
        ),
        Cause.NOT_ASSIGNED: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "Not assigned to the app",
            "Your administrator must assign {address} to this app.",
            (_ADMIN, _CHECK),
            Link.ERROR_LOOKUP,
        ),
        Cause.NOT_A_TESTER: CauseRow(
            _K.BLOCKED,
            Who.APP_OWNER,
            "Not on the list of test users",
            "The Google project behind the client ID is in Testing mode, and {address} is not on its list of test users.",
            (
                "In the project, under Audience, add {address} to the test users (or publish the project).",
                _CHECK,
            ),
            Link.APP_CONSOLE,
        ),
        Cause.ACCOUNT_DISABLED: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "Account is disabled",
            "The account {address} is disabled or deleted at {provider}.",
            (_ADMIN, _CHECK),
        ),
        Cause.ACCOUNT_LOCKED: CauseRow(
            _K.BLOCKED,
            Who.YOU,
            "Account is locked for now",
            "{provider} locked {address} after failed sign-ins or from an unusual place. The app does not try "
            "again by itself, so that the lock can end.",
            ("Wait half an hour, or unlock the account at the provider.", _CHECK),
        ),
        Cause.ACCOUNT_NOT_FOUND: CauseRow(
            _K.BLOCKED,
            Who.YOU,
            "Account belongs elsewhere",
            "{provider} does not know {address} in this organisation.",
            ("Check the address, and the authority in Settings → Providers.",),
            Link.PROVIDERS_SETTINGS,
        ),
        Cause.DEVICE_POLICY: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "This computer is not approved",
            "Your organisation lets {address} sign in only from approved devices.",
            (_ADMIN, _CHECK),
            Link.ERROR_LOOKUP,
        ),
        Cause.USER_RISK: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "Blocked as a security risk",
            "{provider} sees a security risk for {address} and blocks it until that is cleared.",
            (_ADMIN, _CHECK),
            Link.ERROR_LOOKUP,
        ),
        Cause.MAILBOX_DISABLED: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "No mailbox",
            "The sign-in works, but {address} has no active mailbox at {provider}.",
            (_ADMIN, _CHECK),
        ),
        Cause.SMTP_AUTH_OFF: CauseRow(
            _K.BLOCKED,
            Who.ADMIN,
            "SMTP sign-in is switched off",
            "Your organisation switched off sending by SMTP for {address}. Signing in again does not help.",
            ("Ask your administrator to allow authenticated SMTP for this mailbox.", _CHECK),
        ),
        Cause.MAIL_ACCESS_OFF: CauseRow(
            _K.BLOCKED,
            Who.YOU,
            "Access by mail programs is switched off",
            "The mailbox {address} does not let mail programs in: access by IMAP or SMTP is switched off in its "
            "settings.",
            ("Open the mailbox's settings at the provider and switch on access by IMAP and SMTP.", _CHECK),
        ),
        Cause.APP_REJECTED: CauseRow(
            _K.BLOCKED,
            Who.APP_OWNER,
            "Client ID or secret refused",
            "{provider} refuses the client ID or secret from Settings → Providers. "
            "Every {provider} account is affected; reconnecting does not help.",
            ("Open Settings → Providers and give the current client file or ID.", _CHECK),
            Link.PROVIDERS_SETTINGS,
            True,
        ),
        Cause.APP_DELETED: CauseRow(
            _K.BLOCKED,
            Who.APP_OWNER,
            "App registration was deleted",
            "The client ID from Settings → Providers no longer exists at {provider}. "
            "Every {provider} account is affected; reconnecting does not help.",
            (
                "Restore the client in the provider's console (possible for 30 days), or make a new one.",
                "Give it in Settings → Providers.",
            ),
            Link.APP_CONSOLE,
            True,
        ),
        Cause.APP_NOT_PUBLIC: CauseRow(
            _K.BLOCKED,
            Who.APP_OWNER,
            "App is not a public client",
            "The app registration at {provider} does not allow public client flows, so no desktop app can use it.",
            ("In the registration, under Authentication, set “Allow public client flows” to Yes.", _CHECK),
            Link.APP_CONSOLE,
            True,
        ),
        Cause.APP_MISCONFIGURED: CauseRow(
            _K.BLOCKED,
            Who.APP_OWNER,
            "App registration is not set up right",
            "{provider} refuses the app registration's settings (redirect address, tenant or permissions).",
            ("Compare the registration with the steps in the README.", _CHECK),
            Link.APP_CONSOLE,
            True,
        ),
        Cause.APP_NOT_CONFIGURED: CauseRow(
            _K.BLOCKED,
            Who.YOU,
            "No client ID for {provider}",
            "Settings → Providers has no client ID for {provider}, so its accounts cannot be checked.",
            ("Open Settings → Providers and give the client file or ID.",),
            Link.PROVIDERS_SETTINGS,
            True,
        ),
        Cause.API_OFF: CauseRow(
            _K.BLOCKED,
            Who.APP_OWNER,
            "Mail API is switched off",
            "The mail API is not enabled in the project behind the client ID.",
            ("Enable the Gmail API in the Google Cloud project.", _CHECK),
            Link.APP_CONSOLE,
            True,
        ),
    }
)
"""Every cause has exactly one row; a test walks both ways."""

VAULT_CAUSES: Final = frozenset(
    {Cause.VAULT_LOCKED, Cause.VAULT_PASSPHRASE, Cause.VAULT_KEY_MISSING, Cause.VAULT_NONE}
)
"""The key that opens the stored sign-ins is not to be had."""


@dataclass(frozen=True, slots=True)
class Words:
    """A cause told for one account: ready to show, plain text."""

    short: str
    explanation: str
    who_fixes: str
    steps: tuple[str, ...]


def words(cause: Cause, address: str, provider_name: str) -> Words:
    """The cause's texts for this account. `provider_name` as in `PROVIDER_NAMES` (or the mail server's)."""
    row = CAUSES[cause]

    def fill(text: str) -> str:
        return text.replace("{address}", address).replace("{provider}", provider_name)

    return Words(fill(row.short), fill(row.explanation), WHO_WORDS[row.who], tuple(map(fill, row.steps)))
