"""Fault rules: what is to go wrong, for whom, and how often.

This module knows rules and matching only. It promises that a rule's decisions depend on its own seed and on the
calls it has seen, never on wall time or on other rules. What a verb does is done by `mtproto.disturb` (to calls), by
`outages` (to connections and the listening socket) and by `interference` (to updates and the world).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from teleflow.kit.clock import Clock

MAX_RULES = 256
MAX_ATTEMPTS_REMEMBERED = 100_000

VERBS: dict[str, frozenset[str]] = {
    # verbs about a call
    "rpc_error": frozenset(("name", "code", "seconds")),
    "flood": frozenset(("seconds", "method", "chat")),
    "drop_request": frozenset(),
    "drop_reply_after_commit": frozenset(),
    "delay": frozenset(("ms",)),
    "duplicate_reply": frozenset(),
    "bad_msg": frozenset(("code",)),
    "reorder": frozenset(("ms",)),
    "difference_too_long": frozenset(),
    "channel_difference_too_long": frozenset(),
    "difference_slice": frozenset(("n",)),
    # about calls of upload.*: no answer for a time, or as long as the rule is there
    "media_dc_stall": frozenset(("seconds",)),
    # verbs about an update on its way to a person's devices
    "withhold_updates": frozenset(),
    "duplicate_update": frozenset(),
    "out_of_order_update": frozenset(("ms",)),
    # verbs about a connection: on a call, or at once
    "close_tcp": frozenset(("when", "bytes")),
    "reset": frozenset(),
    "transport_error": frozenset(("code",)),
    "garbage": frozenset(("bytes",)),
    "truncate_frame": frozenset(),
    "flip_bit": frozenset(),
    "bad_salt": frozenset(),
    "unknown_constructor": frozenset(),
    "new_session_created": frozenset(),
    "duplicate_key_kill": frozenset(),
    # verbs about a login
    "revoke_session": frozenset(("name",)),
    "expire_code": frozenset(),
    # verbs about a world, always at once
    "skip_pts": frozenset(("n",)),
    "expire_file_reference": frozenset(),
    "rotate_srp": frozenset(),
    "random_id_repeat": frozenset(("how",)),
    "freeze_account": frozenset(("seconds",)),
    "ban_account": frozenset(),
    "resend_type": frozenset(("next",)),
    "qr_expire": frozenset(),
    "qr_accept": frozenset(),
    "qr_accept_2fa": frozenset(("password",)),
    "qr_accept_migrate": frozenset(("dc",)),
    # on a call an answer, at once (with a phone) an account that moves
    "migrate": frozenset(("dc", "reachable", "name")),
    # verbs about the data centre, always at once
    "refuse": frozenset(("seconds", "close")),
    "accept_and_stall": frozenset(("seconds", "close")),
    "black_hole": frozenset(("seconds",)),
    "clock_offset": frozenset(("seconds",)),
    "slow_read": frozenset(("bytes", "seconds")),
    "storm": frozenset(("limit", "seconds")),
}
OUTAGES = frozenset(("refuse", "accept_and_stall", "black_hole", "clock_offset", "slow_read", "storm"))
OF_WORLD = frozenset(
    (
        *("expire_file_reference", "skip_pts", "rotate_srp", "random_id_repeat", "freeze_account", "ban_account"),
        *("resend_type", "qr_expire", "qr_accept", "qr_accept_2fa", "qr_accept_migrate"),
    )
)
OF_UPDATES = frozenset(("withhold_updates", "duplicate_update", "out_of_order_update"))
DIFFERENCES = {
    "difference_too_long": "updates.getDifference",
    "difference_slice": "updates.getDifference",
    "channel_difference_too_long": "updates.getChannelDifference",
}
"""Verbs about the answer of one method."""
CALL_ONLY = frozenset(
    (
        *("rpc_error", "flood", "drop_request", "drop_reply_after_commit", "delay", "duplicate_reply", "bad_msg"),
        *("reorder", "media_dc_stall", *DIFFERENCES),
    )
)
_MATCH_KEYS = frozenset(("phone", "method", "chat", "nth", "times", "probability", "seed", "attempt"))
_CLOSE_WHEN = frozenset(("now", "mid_frame", "after_n_bytes"))
CODE_TYPES = frozenset(("sms", "call", "flash_call", "missed_call", "fragment_sms", "none"))
_REPEATS = frozenset(("return_original", "error_duplicate"))
_REQUIRED = {
    "rpc_error": "name",
    "flood": "seconds",
    "delay": "ms",
    "bad_msg": "code",
    "clock_offset": "seconds",
    "difference_slice": "n",
    "skip_pts": "n",
    "random_id_repeat": "how",
    "slow_read": "bytes",
    "storm": "limit",
    "migrate": "dc",
    "qr_accept_migrate": "dc",
}


class FaultError(ValueError):
    """A rule that makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class Match:
    """When a rule applies. What is None does not matter.

    `nth` counts matching calls from 1 and fires on that one only; `times` bounds the firings; `attempt` counts the
    calls that carry the same random_id (1: only first attempts).
    """

    phone: str | None = None
    method: str | None = None
    chat: str | None = None
    nth: int | None = None
    times: int | None = None
    probability: float | None = None
    seed: int | None = None
    attempt: int | None = None


@dataclass(slots=True)
class Rule:
    """One rule with its memory."""

    number: int
    verb: str
    match: Match
    args: dict[str, Any]
    at_once: bool
    seen: int = 0
    fired: int = 0
    windows: dict[str | None, float] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    dice: random.Random = field(default_factory=random.Random)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def as_dict(self) -> dict[str, Any]:
        """The form that the control API shows."""
        match = {key: getattr(self.match, key) for key in _MATCH_KEYS if getattr(self.match, key) is not None}
        return {
            "id": self.number,
            "verb": self.verb,
            "match": match,
            "args": self.args,
            "seen": self.seen,
            "fired": self.fired,
        }


@dataclass(slots=True)
class Call:
    """What the rules may look at: a request, or with no method an update and the chat it is about."""

    phone: str | None
    method: str
    request: Any
    chat: str | None = None


class Faults:
    """The rules in force, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rules: dict[int, Rule] = {}
        self._last = 0
        self.of_updates = False
        """Whether any rule waits for updates."""

    @property
    def active(self) -> bool:
        """Whether any rule waits for calls: one cheap look for each request."""
        return bool(self._rules)

    def add(self, verb: str, match: Mapping[str, Any] | None = None, args: Mapping[str, Any] | None = None) -> Rule:
        """Put a rule in force. Raises FaultError."""
        if len(self._rules) >= MAX_RULES:
            raise FaultError(f"no more than {MAX_RULES} rules at a time")
        checked_args = _checked_args(verb, args or {})
        wanted = dict(match or {})
        if verb == "flood":  # flood(method|chat, seconds) may name its scope in args too
            for key in ("method", "chat"):
                if key in checked_args:
                    wanted.setdefault(key, checked_args.pop(key))
        checked = _checked_match(wanted)
        self._last += 1
        if verb in DIFFERENCES and checked.method is None:
            checked = replace(checked, method=DIFFERENCES[verb])
        of_calls = any(value is not None for value in (checked.method, checked.chat, checked.nth, checked.attempt))
        at_once = verb in OUTAGES | OF_WORLD or (verb not in CALL_ONLY | OF_UPDATES and not of_calls)
        rule = Rule(self._last, verb, checked, checked_args, at_once)
        rule.dice = random.Random(rule.number if checked.seed is None else checked.seed)  # noqa: S311
        self._rules[rule.number] = rule
        self._changed()
        return rule

    def remove(self, number: int) -> Rule | None:
        rule = self._rules.pop(number, None)
        if rule is not None:
            rule.over.set()
        self._changed()
        return rule

    def clear(self) -> list[Rule]:
        rules = list(self._rules.values())
        self._rules.clear()
        for rule in rules:
            rule.over.set()
        self._changed()
        return rules

    def _changed(self) -> None:
        self.of_updates = any(rule.verb in OF_UPDATES for rule in self._rules.values())

    def get(self, number: int) -> Rule | None:
        return self._rules.get(number)

    def all(self) -> list[Rule]:
        return list(self._rules.values())

    def fire(self, call: Call) -> list[tuple[Rule, int]]:
        """The rules that fire on this call, in order, each with what is left of its flood in seconds (else 0)."""
        fired = []
        for rule in self._rules.values():
            if rule.at_once or (rule.verb in OF_UPDATES) != (not call.method) or not _applies(rule.match, call):
                continue
            if rule.verb == "media_dc_stall" and not call.method.startswith("upload."):
                continue
            rule.seen += 1
            remaining = 0
            if rule.verb == "flood":
                remaining = self._flood(rule, call.phone)
                if not remaining:
                    continue
            elif not _due(rule, call):
                continue
            rule.fired += 1
            fired.append((rule, remaining))
        return fired

    def _flood(self, rule: Rule, phone: str | None) -> int:
        """Seconds left of this account's window; the first matching call opens it."""
        now = self._clock.time()
        until = rule.windows.get(phone)
        if until is None:
            match = rule.match
            if match.nth is not None and rule.seen != match.nth:
                return 0
            if match.times is not None and len(rule.windows) >= match.times:
                return 0
            until = rule.windows[phone] = now + float(rule.args["seconds"])
        return max(0, -int(-(until - now) // 1))


def _due(rule: Rule, call: Call) -> bool:
    match = rule.match
    if match.attempt is not None and _attempt(rule, call) != match.attempt:
        return False
    if match.nth is not None and rule.seen != match.nth:
        return False
    if match.times is not None and rule.fired >= match.times:
        return False
    return match.probability is None or rule.dice.random() < match.probability


def _attempt(rule: Rule, call: Call) -> int:
    random_id = random_id_of(call.request)
    if random_id is None:
        return 0
    if len(rule.attempts) >= MAX_ATTEMPTS_REMEMBERED:
        del rule.attempts[next(iter(rule.attempts))]
    rule.attempts[random_id] = rule.attempts.get(random_id, 0) + 1
    return rule.attempts[random_id]


def random_id_of(request: Any) -> int | None:
    """The (first) random_id of a request that has one."""
    found = getattr(request, "random_id", None)
    if isinstance(found, list):
        found = found[0] if found else None
    return found if isinstance(found, int) else None


def _applies(match: Match, call: Call) -> bool:
    if match.method is not None and match.method != call.method:
        return False
    if match.phone is not None and match.phone != call.phone:
        return False
    return match.chat is None or match.chat == (call.chat or marked_id(call.request))


def marked_id(request: Any) -> str | None:
    """The chat a request is about, in the marked form, as text; None when it names none."""
    peer = getattr(request, "peer", None) or getattr(request, "channel", None) or getattr(request, "to_peer", None)
    user = getattr(peer, "user_id", None)
    if isinstance(user, int):
        return str(user)
    channel = getattr(peer, "channel_id", None)
    if isinstance(channel, int):
        return f"-100{channel}"
    chat = getattr(peer, "chat_id", None)
    return f"-{chat}" if isinstance(chat, int) else None


def digits(phone: object) -> str:
    """A phone as the sandbox compares it: digits only."""
    told = str(phone)
    return told if told.isdigit() else "".join(character for character in told if character.isdigit())


def _checked_match(match: Mapping[str, Any]) -> Match:
    unknown = set(match) - _MATCH_KEYS
    if unknown:
        raise FaultError(f"unknown match key {min(unknown)!r}")
    values: dict[str, Any] = {key: value for key, value in match.items() if value is not None}
    for key in ("nth", "times", "seed", "attempt"):
        if key in values and not (type(values[key]) is int and (key == "seed" or values[key] >= 1)):
            raise FaultError(f"{key} is a whole number from 1 on")
    chance = values.get("probability", 0)
    if type(chance) not in {int, float} or not 0 <= chance <= 1:
        raise FaultError("probability is a number from 0 to 1")
    for key in ("phone", "chat", "method"):
        if key in values and not isinstance(values[key], (str, int)):
            raise FaultError(f"{key} is text")
    if "phone" in values:
        values["phone"] = digits(values["phone"])
    for key in ("chat", "method"):
        if key in values:
            values[key] = str(values[key])
    return Match(**values)


def _checked_args(verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    allowed = VERBS.get(verb)
    if allowed is None:
        raise FaultError(f"unknown verb {verb!r}")
    unknown = set(args) - allowed
    if unknown:
        raise FaultError(f"{verb} takes no argument {min(unknown)!r}")
    checked = {key: value for key, value in args.items() if value is not None}
    for key in ("seconds", "ms", "bytes", "code", "n", "limit", "dc"):
        value = checked.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise FaultError(f"{key} is a number")
    if verb in _REQUIRED and _REQUIRED[verb] not in checked:
        raise FaultError(f"{verb} needs {_REQUIRED[verb]!r}")
    for key in ("n", "limit", "dc"):
        if key in checked and not (isinstance(checked[key], int) and checked[key] >= 1):
            raise FaultError(f"{key} is a whole number from 1 on")
    if verb == "slow_read" and checked["bytes"] <= 0:
        raise FaultError("bytes are more than 0 a second")
    if verb == "random_id_repeat" and checked["how"] not in _REPEATS:
        raise FaultError(f"how is one of {', '.join(sorted(_REPEATS))}")
    if "name" in checked and not isinstance(checked["name"], str):
        raise FaultError("name is text")
    for key in ("close", "reachable"):
        if key in checked and not isinstance(checked[key], bool):
            raise FaultError(f"{key} is true or false")
    if "next" in checked and checked["next"] not in CODE_TYPES:
        raise FaultError(f"next is one of {', '.join(sorted(CODE_TYPES))}")
    if verb == "close_tcp" and checked.setdefault("when", "now") not in _CLOSE_WHEN:
        raise FaultError(f"when is one of {', '.join(sorted(_CLOSE_WHEN))}")
    return checked
