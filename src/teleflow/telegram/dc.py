"""Data centres: where they are, and which keys prove that they are what they say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teleflow.errors import SettingsError
from teleflow.telegram.mtproto.keys import PublicKey, telegrams_own

# Telegram's production data centres (help.getConfig tells the same, and more of them).
_TELEGRAM = {
    1: ("149.154.175.53", 443),
    2: ("149.154.167.51", 443),
    3: ("149.154.175.100", 443),
    4: ("149.154.167.91", 443),
    5: ("91.108.56.130", 443),
}
# Telegram's test data centres: other accounts, other keys. A login made there is nothing here.
_TEST_HOSTS = frozenset({"149.154.175.10", "149.154.175.40", "149.154.167.40", "149.154.175.117"})
_MOST_CENTRES = 64


@dataclass(frozen=True, slots=True)
class DataCentre:
    id: int
    host: str
    port: int


class Telegram:
    """One family of data centres that trust each other's accounts. `home` is where new accounts begin.

    It learns where the others are from what help.getConfig says (`learn`): only from a data centre that has proven
    its key. Where the operator named the home's address, that stands.
    """

    def __init__(
        self,
        home: DataCentre,
        keys: tuple[PublicKey, ...],
        others: Mapping[int, DataCentre] | None = None,
        *,
        is_production: bool = False,
    ) -> None:
        self.home = home
        self.keys = keys
        self.is_production = is_production
        self.is_test = False
        self._others = dict(others or {})

    def centre(self, dc_id: int) -> DataCentre | None:
        return self.home if dc_id == self.home.id else self._others.get(dc_id)

    def learn(self, config: Any) -> None:
        """Take the addresses in a `Config`: the first plain IPv4 (else IPv6) one of each data centre."""
        self.is_test = bool(config.test_mode) and not self.is_production
        found: dict[int, DataCentre] = {}
        for wants_ipv6 in (False, True):
            for option in config.dc_options:
                special = option.media_only or option.cdn or option.tcpo_only or option.secret
                if not special and bool(option.ipv6) is wants_ipv6 and option.port:
                    found.setdefault(option.id, DataCentre(option.id, option.ip_address, option.port))
        for centre in list(found.values())[:_MOST_CENTRES]:
            self._others[centre.id] = centre

    def centres(self) -> Iterable[DataCentre]:
        return {**self._others, self.home.id: self.home}.values()

    def is_test_address(self, host: str) -> bool:
        """Whether a login from this address was made at Telegram's test data centres, which this family is not."""
        return self.is_production and host in _TEST_HOSTS

    @classmethod
    def production(cls) -> Telegram:
        centres = {number: DataCentre(number, *address) for number, address in _TELEGRAM.items()}
        return cls(centres[2], telegrams_own(), centres, is_production=True)

    @classmethod
    def named(cls, address: str | None, key_file: Path | None) -> Telegram:
        """The data centre of the settings; Telegram's own where they name none. Raises SettingsError."""
        if address is not None:
            return cls.at(address, key_file)
        if key_file is not None:
            raise SettingsError("TELEGRAM_DC_KEY is set, but TELEGRAM_DC is not: set both, or none for Telegram's own")
        return cls.production()

    @classmethod
    def at(cls, address: str, key_file: Path | None) -> Telegram:
        """A data centre that is not Telegram's: ``id@host:port`` and a PEM file. Raises SettingsError."""
        number, _, place = address.partition("@")
        host, _, port = place.rpartition(":")
        if key_file is None:
            raise SettingsError("TELEGRAM_DC is set, but TELEGRAM_DC_KEY is not: name the file with its public key")
        try:
            keys = (PublicKey.from_pem(key_file.read_bytes()),)
        except OSError as error:
            raise SettingsError(f"TELEGRAM_DC_KEY: the file can't be read: {error.strerror}") from error
        except ValueError as error:
            raise SettingsError(f"TELEGRAM_DC_KEY: {error}") from error
        return cls(DataCentre(int(number), host.strip("[]"), int(port)), keys)
