"""Settings and the service's own secrets: the only reader of the environment."""

from teleflow.config.kept import SECRET_FIELDS, KeptKey, Secrets
from teleflow.config.settings import (
    OTHER_VARIABLES,
    PREFIX,
    SETTINGS_FILE,
    Manager,
    Settings,
    adoption_key,
    load_settings,
    manager,
)

__all__ = [
    "OTHER_VARIABLES",
    "PREFIX",
    "SECRET_FIELDS",
    "SETTINGS_FILE",
    "KeptKey",
    "Manager",
    "Secrets",
    "Settings",
    "adoption_key",
    "load_settings",
    "manager",
]
