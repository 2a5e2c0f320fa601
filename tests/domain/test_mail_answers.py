"""Real servers' texts and every table row: who is to blame, and that nothing unclear blames the password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reply_desktop.domain import mail_answers
from reply_desktop.domain.causes import CAUSES, Cause
from reply_desktop.domain.mail_answers import (
    enhanced_code,
    imap_outcome,
    imap_reading_outcome,
    smtp_message_outcome,
    smtp_outcome,
)
from reply_desktop.domain.outcome import PROVEN
from reply_desktop.domain.states import OutcomeKind


def smtp(answer: str) -> Cause | None:
    """The cause of an answer as it stands on the wire, to a sign-in."""
    code, _, text = answer.partition(" ")
    return smtp_outcome(int(code), enhanced_code(text), text).cause


def message(answer: str) -> Cause | None:
    code, _, text = answer.partition(" ")
    return smtp_message_outcome(int(code), enhanced_code(text), text).cause


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("235 2.7.0 Authentication successful", None),
        # Gmail
        ("535 5.7.8 Username and Password not accepted.", Cause.WRONG_PASSWORD),
        ("534 5.7.9 Application-specific password required.", Cause.APP_PASSWORD_REQUIRED),
        ("534 5.7.14 Please log in via your web browser and then try again.", Cause.ACCOUNT_LOCKED),
        ("535 5.7.1 Username and Password not accepted.", Cause.WRONG_PASSWORD),
        ("535 5.7.1 Please log in with your web browser and then try again.", Cause.ACCOUNT_LOCKED),
        ("454 4.7.0 Too many login attempts, please try again later.", Cause.THROTTLED),
        ("421 4.3.0 Temporary System Problem. Try again later.", Cause.PROVIDER_TROUBLE),
        ("530 5.7.0 Must issue a STARTTLS command first.", Cause.ENCRYPTION_MISSING),
        # Exchange Online and Outlook.com
        ("535 5.7.3 Authentication unsuccessful", Cause.WRONG_PASSWORD),
        (
            "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
            Cause.WRONG_PASSWORD,
        ),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            Cause.SMTP_AUTH_OFF,
        ),
        ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", Cause.SMTP_AUTH_OFF),
        (
            "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security "
            "defaults policy.",
            Cause.SMTP_AUTH_OFF,
        ),
        (
            "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be "
            "authenticated successfully.",
            Cause.ADMIN_POLICY,
        ),
        ("535 5.7.139 Something new", Cause.SMTP_AUTH_OFF),
        (
            "550 5.7.30 Basic authentication is not supported for Client Submission.",
            Cause.SMTP_AUTH_OFF,
        ),
        ("432 4.3.2 Concurrent connections limit exceeded.", Cause.THROTTLED),
        # RFC 4954, RFC 5248
        ("432 4.7.12 A password transition is needed", Cause.PROVIDER_TROUBLE),
        ("454 4.7.0 Temporary authentication failure", Cause.PROVIDER_TROUBLE),
        ("535 Incorrect authentication data", Cause.WRONG_PASSWORD),
        ("538 5.7.11 Encryption required for requested authentication mechanism", Cause.ENCRYPTION_MISSING),
        ("525 5.7.13 User Account Disabled", Cause.ACCOUNT_DISABLED),
        ("500 5.5.2 Error: bad syntax", Cause.UNKNOWN_ANSWER),
        ("504 5.5.4 Unrecognized authentication type", Cause.UNKNOWN_ANSWER),
        ("554 5.7.1 Connection refused by policy of the server", Cause.UNKNOWN_ANSWER),
        ("554 No SMTP service here", Cause.UNKNOWN_ANSWER),
        # Others
        ("535 5.7.0 (#AUTH005) Too many bad auth attempts.", Cause.ACCOUNT_LOCKED),
        (
            "535 5.7.0 NEOBHODIM parol prilozheniya / Application password is REQUIRED",
            Cause.APP_PASSWORD_REQUIRED,
        ),
        (
            "535 5.7.8 Error: authentication failed: This user does not have access rights to this service",
            Cause.MAIL_ACCESS_OFF,
        ),
        (
            "535 Login fail. Account is abnormal, service is not open, password is incorrect, login frequency "
            "limited, or system is busy.",
            Cause.WRONG_PASSWORD,
        ),
        ("526 Authentication failure", Cause.WRONG_PASSWORD),
        ("550 User has no permission", Cause.MAIL_ACCESS_OFF),
        ("535 Authentication credentials invalid", Cause.WRONG_PASSWORD),
        ("-1 SSH-2.0-OpenSSH_9.2", Cause.UNKNOWN_ANSWER),
    ],
)
def test_what_servers_really_say_to_a_sign_in(answer: str, cause: Cause | None) -> None:
    assert smtp(answer) is cause


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("250 2.0.0 OK", None),
        ("354 Go ahead", None),
        ("550 5.1.1 The email account that you tried to reach does not exist.", Cause.MESSAGE_REFUSED),
        ("552 5.3.4 Message too big", Cause.MESSAGE_REFUSED),
        ("552 5.2.2 Mailbox full", Cause.MESSAGE_REFUSED),
        ("554 5.7.1 Message looks like spam", Cause.MESSAGE_REFUSED),
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", Cause.MESSAGE_REFUSED),
        ("550 5.4.5 Daily user sending limit exceeded.", Cause.THROTTLED),
        ("554 Sending limit for today reached", Cause.THROTTLED),
        ("550 5.1.8 Access denied, bad outbound sender", Cause.ADMIN_POLICY),
        ("550 5.7.501 Access denied, spam abuse detected.", Cause.ADMIN_POLICY),
        ("550 5.7.705 Access denied, tenant has exceeded threshold.", Cause.THROTTLED),
        ("530 5.7.57 Client not authenticated to send mail.", Cause.SMTP_AUTH_OFF),
        ("535 5.7.8 Authentication required", Cause.WRONG_PASSWORD),
        ("503 5.5.1 Bad sequence of commands", Cause.PROVIDER_TROUBLE),
        ("450 4.7.1 Greylisted, try again later", Cause.PROVIDER_TROUBLE),
        ("451 4.7.500 Server busy", Cause.PROVIDER_TROUBLE),
        ("450 4.2.1 Rate limit reached", Cause.THROTTLED),
        ("432 4.3.2 Sender thread limit exceeded", Cause.THROTTLED),
        (
            "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=AM0.outlook.com]",
            Cause.THROTTLED,
        ),
        ("432 4.3.2 Concurrent connections limit exceeded", Cause.THROTTLED),
        ("452 4.5.3 Your message has too many recipients.", Cause.PROVIDER_TROUBLE),
        (
            "554 5.2.252 SendAsDenied; ana@a.example not allowed to send as bo@b.example",
            Cause.MESSAGE_REFUSED,
        ),
        ("199 what", Cause.UNKNOWN_ANSWER),
        ("-1 rubbish", Cause.UNKNOWN_ANSWER),
    ],
)
def test_what_servers_really_say_to_a_message(answer: str, cause: Cause | None) -> None:
    assert message(answer) is cause


@pytest.mark.parametrize(
    "answer",
    [
        # Gmail
        "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to",
        "550 5.4.5 Daily user sending quota exceeded. j2sm1 - gsmtp",
        "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.",
        # Exchange Online
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message",
        "554 5.2.252 The message can't be submitted because the sender's submission quota was exceeded.",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
        "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit for sending email",
        "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit",
        "550 5.7.705 Access denied, tenant has exceeded threshold.",
        # Others
        "554 Sending limit for today reached",
        "451 4.7.1 Sending limit reached, try tomorrow",
    ],
)
def test_a_used_up_sending_limit_rests_the_account_for_an_hour(answer: str) -> None:
    code, _, text = answer.partition(" ")
    outcome = smtp_message_outcome(int(code), enhanced_code(text), text)
    assert (outcome.cause, outcome.retry_after_s) == (Cause.THROTTLED, 3600.0)


@pytest.mark.parametrize("answer", ["432 4.3.2 Sender thread limit exceeded", "450 4.2.1 Rate limit reached"])
def test_a_short_jam_is_left_to_the_ladder(answer: str) -> None:
    code, _, text = answer.partition(" ")
    assert smtp_message_outcome(int(code), enhanced_code(text), text).retry_after_s is None


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("NO [NONEXISTENT] Mailbox does not exist", Cause.UNKNOWN_ANSWER),
        ("NO [AUTHENTICATIONFAILED] odd at this place", Cause.UNKNOWN_ANSWER),
        ("NO Server error", Cause.PROVIDER_TROUBLE),
        ("NO [LIMIT] Too many", Cause.THROTTLED),
        ("BAD User is authenticated but not connected.", Cause.MAIL_ACCESS_OFF),
        ("BYE later", Cause.PROVIDER_TROUBLE),
        ("", Cause.UNKNOWN_ANSWER),
    ],
)
def test_a_refusal_while_reading_never_blames_the_password(text: str, cause: Cause) -> None:
    assert imap_reading_outcome(text).cause is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("OK Logged in", None),
        ("NO [AUTHENTICATIONFAILED] Authentication failed.", Cause.WRONG_PASSWORD),
        ("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", Cause.WRONG_PASSWORD),
        ("[AUTHENTICATIONFAILED] LOGIN Invalid credentials", Cause.WRONG_PASSWORD),
        ("no [authenticationfailed] lower case is the same", Cause.WRONG_PASSWORD),
        ("NO LOGIN failed.", Cause.WRONG_PASSWORD),
        ("NO Anmeldung fehlgeschlagen", Cause.WRONG_PASSWORD),
        (
            "NO [ALERT] Application-specific password required: https://support.example",
            Cause.APP_PASSWORD_REQUIRED,
        ),
        (
            "NO [AUTHENTICATIONFAILED] NEOBHODIM parol prilozheniya / Application password is REQUIRED",
            Cause.APP_PASSWORD_REQUIRED,
        ),
        ("NO [WEBALERT https://accounts.example/x] Web login required.", Cause.ACCOUNT_LOCKED),
        ("NO [ALERT] Please log in via your web browser: https://x", Cause.ACCOUNT_LOCKED),
        ("NO [ALERT] Your account is not enabled for IMAP use.", Cause.MAIL_ACCESS_OFF),
        ("NO [ALERT] IMAP access is disabled for your domain.", Cause.MAIL_ACCESS_OFF),
        ("NO [AUTHORIZATIONFAILED] No such mailbox rights", Cause.MAIL_ACCESS_OFF),
        ("NO [AUTHORIZATIONFAILED] User disabled", Cause.ACCOUNT_DISABLED),
        ("BAD User is authenticated but not connected.", Cause.MAIL_ACCESS_OFF),
        ("NO [UNAVAILABLE] Temporary authentication failure.", Cause.PROVIDER_TROUBLE),
        (
            "NO [UNAVAILABLE] Authentication failed, wrong password or not, we do not know",
            Cause.PROVIDER_TROUBLE,
        ),
        ("NO [SERVERBUG] LOGIN Server error - Please try again later", Cause.PROVIDER_TROUBLE),
        ("NO [INUSE] Account is in use", Cause.PROVIDER_TROUBLE),
        ("NO [LIMIT] Too many", Cause.THROTTLED),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", Cause.THROTTLED),
        ("BYE [ALERT] Account exceeded command or bandwidth limits.", Cause.THROTTLED),
        ("NO [ALERT] System error, please try again", Cause.PROVIDER_TROUBLE),
        ("NO internal server error", Cause.PROVIDER_TROUBLE),
        ("NO [EXPIRED] That password isn't valid any more", Cause.WRONG_PASSWORD),
        ("NO [PRIVACYREQUIRED] Connection security required", Cause.ENCRYPTION_MISSING),
        ("NO [CONTACTADMIN] Ask your administrator", Cause.ADMIN_POLICY),
        ("NO [CANNOT] Never", Cause.UNKNOWN_ANSWER),
        ("BYE Disconnected for inactivity.", Cause.PROVIDER_TROUBLE),
        ("BYE [AUTHENTICATIONFAILED] Wrong password", Cause.PROVIDER_TROUBLE),
        ("BAD Error in IMAP command", Cause.UNKNOWN_ANSWER),
        ("something else", Cause.UNKNOWN_ANSWER),
        ("", Cause.UNKNOWN_ANSWER),
    ],
)
def test_what_imap_servers_really_say(text: str, cause: Cause | None) -> None:
    assert imap_outcome(text).cause is cause


@pytest.mark.parametrize(("enhanced", "cause"), mail_answers.SMTP_ENHANCED.items())
def test_every_enhanced_code(enhanced: str, cause: Cause) -> None:
    assert smtp_outcome(535, enhanced, "").cause is cause


@pytest.mark.parametrize(("code", "cause"), mail_answers.SMTP_CODES.items())
def test_every_reply_code(code: int, cause: Cause) -> None:
    assert smtp_outcome(code, None, "").cause is cause
    assert smtp_message_outcome(code, None, "").cause is cause


@pytest.mark.parametrize(("enhanced", "cause"), mail_answers.MESSAGE_ENHANCED.items())
def test_every_enhanced_code_of_a_message(enhanced: str, cause: Cause) -> None:
    assert smtp_message_outcome(550, enhanced, "").cause is cause


@pytest.mark.parametrize(("code", "cause"), mail_answers.IMAP_CODES.items())
def test_every_response_code(code: str, cause: Cause) -> None:
    assert imap_outcome(f"NO [{code}]").cause is cause


@pytest.mark.parametrize(("phrase", "cause"), mail_answers.PHRASES)
def test_no_phrase_is_hidden_by_an_earlier_one(phrase: str, cause: Cause) -> None:
    assert smtp_outcome(550, None, f"Sorry: {phrase.upper()}, really.").cause is cause
    assert imap_outcome(f"NO [ALERT] {phrase}").cause is cause


@pytest.mark.parametrize(("phrase", "cause"), mail_answers.MESSAGE_PHRASES)
def test_every_phrase_of_a_message(phrase: str, cause: Cause) -> None:
    assert smtp_message_outcome(550, None, phrase.title()).cause is cause


@pytest.mark.parametrize("phrase", mail_answers.PASSING_PHRASES)
def test_passing_words_do_not_blame_the_password(phrase: str) -> None:
    assert imap_outcome(f"NO {phrase}").cause is Cause.PROVIDER_TROUBLE


TEXTS = st.one_of(
    st.text(max_size=120),
    st.sampled_from([phrase for phrase, _ in mail_answers.PHRASES + mail_answers.MESSAGE_PHRASES]),
)
ENHANCED = st.one_of(
    st.none(),
    st.sampled_from([*mail_answers.SMTP_ENHANCED, *mail_answers.MESSAGE_ENHANCED]),
    st.text(max_size=8),
)


@given(code=st.integers(400, 499), enhanced=ENHANCED, text=TEXTS)
def test_a_temporary_answer_never_blames_anybody(code: int, enhanced: str | None, text: str) -> None:
    for told in (smtp_outcome(code, enhanced, text), smtp_message_outcome(code, enhanced, text)):
        assert told.kind is OutcomeKind.TRANSIENT


@given(code=st.integers(-1, 10_000), enhanced=ENHANCED, text=TEXTS)
def test_any_answer_has_an_outcome_and_short_plain_words(code: int, enhanced: str | None, text: str) -> None:
    for told in (smtp_outcome(code, enhanced, text), smtp_message_outcome(code, enhanced, text)):
        assert (told == PROVEN) == (200 <= code < 400)
        said = told.provider_error or ""
        assert len(said) <= 300
        assert said.isprintable()


@given(text=TEXTS)
def test_any_imap_answer_has_an_outcome(text: str) -> None:
    said = imap_outcome(text).provider_error or ""
    assert len(said) <= 300
    assert said.isprintable()


@given(text=TEXTS)
def test_goodbye_never_blames_anybody(text: str) -> None:
    assert imap_outcome(f"BYE {text}").kind is OutcomeKind.TRANSIENT


def test_only_known_refusals_ask_for_a_password() -> None:
    """An unknown permanent code keeps the safe default."""
    known = set(mail_answers.SMTP_CODES)
    for code in set(range(500, 600)) - known:
        assert smtp_outcome(code, None, "no").cause is Cause.UNKNOWN_ANSWER


def test_a_refused_message_says_nothing_about_the_account() -> None:
    assert CAUSES[Cause.MESSAGE_REFUSED].kind is OutcomeKind.TRANSIENT


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5.7.8 Error", "5.7.8"),
        (" 4.7.0 x", "4.7.0"),
        ("5.7.139", "5.7.139"),
        ("Error 5.7.8", None),
        ("10.7.8 x", None),
        ("5.7.8.9 x", None),
        ("5.7.1234 x", None),
        ("", None),
    ],
)
def test_the_enhanced_code_stands_first(text: str, code: str | None) -> None:
    assert enhanced_code(text) == code


def test_the_code_is_told_with_the_text() -> None:
    assert smtp_outcome(535, "5.7.8", "5.7.8 No\r\nway").provider_error == "535 5.7.8 No way"
    assert smtp_outcome(535, "5.7.8", "No").provider_error == "535 5.7.8 No"
    assert smtp_outcome(-1, None, "SSH").provider_error == "SSH"
