"""The people of a fresh sandbox: who they are follows from their number and from nothing else."""

from __future__ import annotations

from typing import NamedTuple

from teleflow.sandbox.unasked import CHATTY, NEWS, news_channel
from teleflow.sandbox.world import chat_founding, chat_members
from teleflow.sandbox.world.world import World

PEOPLE = 10
CLOUD_PASSWORD = "correct horse"  # noqa: S105  # printed beside the phone: a person to try 2FA with


class Role(NamedTuple):
    first_name: str
    last_name: str
    username: str
    scenario: str
    cloud_password: str = ""


CAST = (
    Role("Alice", "Adams", "alice_sandbox", ""),
    Role("Bob", "Brown", "bob_sandbox", ""),
    Role("Echo", "", "echo_sandbox", "echo"),
    Role("Greta", "Green", "greta_sandbox", "greeter"),
    Role("Sam", "Slow", "sam_sandbox", "slow"),
    Role("Paula", "Private", "paula_sandbox", "", CLOUD_PASSWORD),
    Role("Nora", "News", "nora_sandbox", NEWS),
    Role("Fred", "Flood", "fred_sandbox", "flooder"),
    Role("Carla", "Chat", "carla_sandbox", CHATTY),
    Role("Carlo", "Chat", "carlo_sandbox", CHATTY),
)
# the public name of the chatty group
CHATTER = "chatter_sandbox"
_EXTRA = ("Robin", "Kim", "Alex", "Jo", "Sasha", "Toni")


def phone_of(number: int) -> str:
    """The phone of the cast's `number`-th member (from 1): fictional, eleven digits."""
    return f"1555{number:07d}"


def seed_cast(world: World, people: int = PEOPLE) -> None:
    """Fill a world that nobody lives in. The first of the cast have roles, the rest only read."""
    if any(not person.service for person in world.people):
        return
    for number in range(1, people + 1):
        if number <= len(CAST):
            role = CAST[number - 1]
        else:
            role = Role(_EXTRA[number % len(_EXTRA)], f"No. {number}", "", "reader")
        world.create_person(
            phone_of(number + 100_000),
            role.first_name,
            role.last_name,
            username=role.username,
            cloud_password=role.cloud_password,
            scenario=role.scenario,
        )
    _gather(world)


def _gather(world: World) -> None:
    """The news channel and the chatty group, public: whoever wants to listen joins."""
    for person in list(world.people):
        if person.scenario == NEWS:
            news_channel(world, person)
    chatty = [person for person in world.people if person.scenario == CHATTY]
    if len(chatty) > 1:
        group = chat_founding.create_channel(world, chatty[0], "Chatter", megagroup=True)
        chat_founding.set_username(world, chatty[0], group, CHATTER)
        chat_members.invite(world, chatty[0], group, chatty[1:])
