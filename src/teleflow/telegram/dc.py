"""Data centres: where they are, and which keys prove that they are what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class DataCentre:
    id: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Telegram:
    """One family of data centres that trust each other's accounts. `home` is where new accounts begin."""

    home: DataCentre
    keys: tuple[PublicKey, ...]
    others: Mapping[int, DataCentre] = field(default_factory=dict)

    def centre(self, dc_id: int) -> DataCentre | None:
        return self.home if dc_id == self.home.id else self.others.get(dc_id)

    @classmethod
    def production(cls) -> Telegram:
        centres = {number: DataCentre(number, *address) for number, address in _TELEGRAM.items()}
        return cls(home=centres[2], keys=telegrams_own(), others=centres)

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
        return cls(home=DataCentre(int(number), host.strip("[]"), int(port)), keys=keys)
