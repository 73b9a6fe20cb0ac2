from __future__ import annotations

from typing import Any

import pytest

from teleflow.config import load_settings
from teleflow.errors import Conflict, SettingsError
from teleflow.model.audit import AuditEntry
from teleflow.model.users import Role, User
from teleflow.services.accounts import Accounts, check_admin_password
from tests.unit.services.clocks import ManualClock


class Rows:
    def __init__(self, *users: User, taken: bool = False) -> None:
        self.users = {user.username: user for user in users}
        self.taken = taken

    async def user_named(self, username: str) -> User | None:
        return self.users.get(username)

    async def add_user(self, user: User, *, audit: AuditEntry | None = None) -> None:
        if self.taken:
            raise Conflict("taken", code="USERNAME_TAKEN")
        self.users[user.username] = user


class Hashes:
    async def hash(self, password: str) -> str:
        return f"hash of {password}"


def accounts(rows: Rows, **environment: str) -> Accounts:
    storage: Any = rows
    passwords: Any = Hashes()
    return Accounts(storage, passwords, load_settings(environment), ManualClock())


@pytest.mark.parametrize(
    "password",
    ["change-me", "ChangeMe123", "admin", "administrator", "YourStrongPassword123!", "securepass123", "password1",
     "your-password-here", "1234567", "boss"],
)  # fmt: skip
def test_an_admin_password_that_everybody_knows_is_refused(password: str) -> None:
    settings = load_settings({"admin_password": password, "admin_username": "boss"})
    with pytest.raises(SettingsError) as refused:
        check_admin_password(settings)
    assert "ADMIN_PASSWORD" in refused.value.message
    assert password not in refused.value.message


@pytest.mark.parametrize("password", ["correct horse battery", "An0ther-admin-password", "AdminPass123!", "x" * 1024])
def test_other_admin_passwords_are_taken(password: str) -> None:
    check_admin_password(load_settings({"admin_password": password}))


async def test_the_first_admin_gets_a_password_that_is_told_once() -> None:
    rows = Rows()
    made = await accounts(rows).ensure_admin()
    assert made is not None
    assert made.password is not None
    assert len(made.password) >= 20
    assert rows.users["admin"].role is Role.ADMIN
    assert rows.users["admin"].password_hash == f"hash of {made.password}"
    assert made.password not in repr(made)
    assert await accounts(rows).ensure_admin() is None


async def test_a_password_that_was_given_is_not_told() -> None:
    made = await accounts(Rows(), admin_username="boss", admin_password="correct horse battery").ensure_admin()
    assert made is not None
    assert (made.username, made.password) == ("boss", None)


async def test_an_admin_who_is_there_stays_as_they_are() -> None:
    rows = Rows(User("usr_1", "admin", Role.ADMIN, "their own", None, None, None, None, 0))
    assert await accounts(rows, admin_password="correct horse battery").ensure_admin() is None
    assert rows.users["admin"].password_hash == "their own"
    with pytest.raises(SettingsError):
        await accounts(rows, admin_password="change-me").ensure_admin()


async def test_two_first_starts_make_one_admin() -> None:
    assert await accounts(Rows(taken=True)).ensure_admin() is None


@pytest.mark.parametrize("name", ["ab", "a/b", " admin", "x" * 51])
async def test_an_admin_name_that_no_user_can_have_names_its_variable(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        await accounts(Rows(), admin_username=name).ensure_admin()
    assert refused.value.message.startswith("ADMIN_USERNAME")
