"""Settings and the service's own secrets: the only reader of the environment."""

from teleflow.config.kept import SECRET_FIELDS, KeptKey, Secrets
from teleflow.config.settings import OTHER_VARIABLES, PREFIX, SETTINGS_FILE, Settings, load_settings

__all__ = [
    "OTHER_VARIABLES",
    "PREFIX",
    "SECRET_FIELDS",
    "SETTINGS_FILE",
    "KeptKey",
    "Secrets",
    "Settings",
    "load_settings",
]
