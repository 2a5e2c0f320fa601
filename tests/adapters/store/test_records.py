from dataclasses import fields, replace

from hypothesis import given

from reply_desktop.adapters.store import tables
from reply_desktop.adapters.store.records import ACCOUNT, ACCOUNT_FIELDS, account_values, changed_fields
from reply_desktop.domain.account import Account
from reply_desktop.domain.states import State
from tests.adapters.store.nouns import accounts, an_account


def test_every_field_of_an_account_has_its_column() -> None:
    assert tuple(field.name for field in fields(Account)) == ACCOUNT_FIELDS
    assert tuple(column.name for column in ACCOUNT) == ACCOUNT_FIELDS
    derived = {column.name for column in tables.accounts.c} - set(ACCOUNT_FIELDS)
    assert derived == {"address_key", "first_granted_at"}


@given(accounts, accounts)
def test_changed_fields_are_exactly_those_that_differ(before: Account, after: Account) -> None:
    changed = set(changed_fields(before, after))
    assert replace(before, **{name: getattr(after, name) for name in changed}) == after
    assert all(getattr(before, name) != getattr(after, name) for name in changed)


@given(accounts)
def test_values_are_what_sqlite_can_hold(account: Account) -> None:
    values = account_values(account)
    assert all(type(value) in (str, int, type(None)) for value in values.values())
    assert values["address_key"] == account.address.strip().casefold()


def test_signing_in_is_shown_and_never_stored() -> None:
    try:
        account_values(an_account(state=State.SIGNING_IN))
    except AssertionError as error:
        assert "never stored" in str(error)
    else:
        raise AssertionError("a passing state was stored")
