"""Which file cache it is, by the settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from teleflow.config import Settings
from teleflow.errors import SettingsError
from teleflow.kit.clock import Clock
from teleflow.storage.blobs.base import Blobs, NoBlobs
from teleflow.storage.blobs.local import LocalBlobs
from teleflow.storage.blobs.signature import Signer


def chosen(settings: Settings, clock: Clock) -> Blobs:
    """Not started yet. Raises SettingsError for what contradicts itself."""
    folder, url = settings.file_cache_dir, settings.file_cache_s3_url
    if folder is not None and url is not None:
        raise SettingsError("FILE_CACHE_DIR and FILE_CACHE_S3_URL are both set: set one of them")
    if folder is not None:
        return LocalBlobs(folder, room=settings.file_cache_bytes)
    if url is None:
        return NoBlobs()
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SettingsError("FILE_CACHE_S3_URL: must be like https://s3.example.com/bucket")
    if not parts.path.strip("/"):
        raise SettingsError("FILE_CACHE_S3_URL: names no bucket")
    key, secret = settings.file_cache_s3_access_key, settings.file_cache_s3_secret_key
    if key is None or secret is None:
        raise SettingsError("FILE_CACHE_S3_URL is set: FILE_CACHE_S3_ACCESS_KEY and FILE_CACHE_S3_SECRET_KEY are too")
    # Its HTTP client takes its time: only those who have a bucket wait for that.
    from teleflow.storage.blobs.s3 import S3Blobs

    return S3Blobs(url, Signer(key, secret.get_secret_value(), settings.file_cache_s3_region), clock)
