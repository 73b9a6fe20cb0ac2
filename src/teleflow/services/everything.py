"""All use cases of one process, made together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from teleflow.config import Secrets, Settings
from teleflow.events.hub import Hub
from teleflow.kit.clock import Clock
from teleflow.kit.ids import new_id
from teleflow.kit.seal import Seal
from teleflow.meters import Meters
from teleflow.services.accounts import Accounts
from teleflow.services.allowance import Allowance, Places
from teleflow.services.audit import Audit
from teleflow.services.auth import Auth
from teleflow.services.broadcasts import Bell, Broadcasts
from teleflow.services.browsers import Browsers
from teleflow.services.chats import Chats
from teleflow.services.creations import Creations
from teleflow.services.deliveries import Carrier, Deliveries
from teleflow.services.dialogs import Dialogs
from teleflow.services.events import Events
from teleflow.services.exports import Exports
from teleflow.services.file_links import FileLinks
from teleflow.services.files import Files
from teleflow.services.group_photos import GroupPhotos
from teleflow.services.groups import Groups, Rooms
from teleflow.services.health import Health
from teleflow.services.history import History
from teleflow.services.in_use import SessionsInUse
from teleflow.services.incoming import Fetch, Intake
from teleflow.services.invites import InviteLinks
from teleflow.services.keys import Keys
from teleflow.services.logins import LiveLogins
from teleflow.services.messages import Messages
from teleflow.services.methods import Methods
from teleflow.services.metrics import Metrics
from teleflow.services.parcels import Parcels
from teleflow.services.passwords import Passwords
from teleflow.services.people import People
from teleflow.services.ports import FirstContacts, Layer, Outbox, Reach, SessionCare, Telegram, Waits
from teleflow.services.readiness import Readiness
from teleflow.services.requests import Requests
from teleflow.services.sends import Sends
from teleflow.services.sessions import Sessions
from teleflow.services.stories import StoryReading
from teleflow.services.system import System
from teleflow.services.telegram_account import TelegramAccount
from teleflow.services.throttle import LoginThrottle
from teleflow.services.tickets import Tickets
from teleflow.services.tokens import Tokens
from teleflow.services.topics import ForumTopics
from teleflow.services.users import Users
from teleflow.services.virtual_phones import VirtualPhones
from teleflow.services.webhooks import Door, Webhooks
from teleflow.storage.base import Storage
from teleflow.storage.blobs.base import Blobs, NoBlobs
from teleflow.storage.spool import Spool
from teleflow.wire.files import FileIds


@dataclass(frozen=True, slots=True)
class Services:
    """What the ways in (HTTP, the command line) call."""

    auth: Auth
    browsers: Browsers
    keys: Keys
    audit: Audit
    requests: Requests
    users: Users
    telegram: TelegramAccount
    messages: Messages
    sends: Sends
    parcels: Parcels
    file_ids: FileIds
    files: Files
    file_links: FileLinks
    sessions: Sessions
    exports: Exports
    health: Health
    passwords: Passwords
    chats: Chats
    people: People
    creations: Creations
    groups: Groups
    group_photos: GroupPhotos
    stories: StoryReading
    invites: InviteLinks
    topics: ForumTopics
    dialogs: Dialogs
    history: History
    events: Events
    webhooks: Webhooks
    deliveries: Deliveries
    tickets: Tickets
    broadcasts: Broadcasts
    methods: Methods
    system: System
    readiness: Readiness
    metrics: Metrics
    virtual_phones: VirtualPhones | None
    clock: Clock

    @classmethod
    def make(
        cls,
        *,
        storage: Storage,
        sessions: SessionCare,
        outbox: Outbox,
        reach: Reach,
        layer: Layer,
        hub: Hub,
        door: Door,
        carrier: Carrier,
        bell: Bell,
        seal: Seal,
        settings: Settings,
        secrets: Secrets,
        clock: Clock,
        throttle: LoginThrottle | None = None,
        node: str | None = None,
        spool: Spool,
        fetcher: Fetch,
        waits: Waits,
        strangers: FirstContacts,
        site: Telegram,
        meters: Meters,
        gauges: Callable[[], Mapping[str, float]],
        blobs: Blobs | None = None,
        virtual_phones: VirtualPhones | None = None,
    ) -> Services:
        passwords = Passwords()
        health = Health(storage, clock)
        readiness = Readiness(health, site, clock)
        tokens = Tokens(
            clock,
            access_secret=secrets.jwt_secret,
            refresh_secret=secrets.jwt_refresh_secret,
            algorithm=settings.jwt_algorithm,
            access_life=max(1, round(settings.jwt_access_expire_minutes * 60)),
            refresh_life=max(1, round(settings.jwt_refresh_expire_days * 86400)),
        )
        logins = LiveLogins(storage, clock, bootstrap_user=settings.admin_username)
        guard = throttle or LoginThrottle(clock)
        auth = Auth(storage, passwords, tokens, guard, logins, clock)
        in_use = SessionsInUse(storage, clock)
        webhooks = Webhooks(storage, door, clock, most=settings.webhooks_per_user)
        events = Events(storage, storage, hub, streams_per_key=settings.streams_per_key)
        chats = Chats(in_use, reach, clock)
        rooms = Rooms(in_use, reach, storage, clock)
        file_ids = FileIds(seal)
        sends = Sends(storage, storage, outbox, clock, sessions.awaits_code)
        uploading = Places(settings.uploads_per_user, code="TOO_MANY_UPLOADS", what="requests with files")
        allowance = Allowance(clock, per_day=settings.download_quota_bytes, at_once=settings.downloads_per_user)
        files = Files(in_use, reach, chats, file_ids, allowance, blobs or NoBlobs())
        return cls(
            auth=auth,
            browsers=Browsers(storage, auth, logins, clock, life=tokens.refresh_life),
            keys=Keys(storage, auth, logins, tokens, clock, bootstrap=_text(settings.api_key)),
            audit=Audit(storage, clock, retention_days=settings.audit_retention_days),
            requests=Requests(storage, clock, node=node or new_id("node")),
            users=Users(storage, Accounts(storage, passwords, settings, clock), auth, sessions),
            telegram=TelegramAccount(storage, sessions, settings, clock),
            messages=Messages(storage, storage, outbox, clock, sessions.awaits_code),
            sends=sends,
            parcels=Parcels(sends, Intake(spool, fetcher, uploading), file_ids),
            file_ids=file_ids,
            files=files,
            file_links=FileLinks(seal, logins, files, clock),
            sessions=Sessions(storage, sessions, settings, clock, waits=waits, strangers=strangers),
            exports=Exports(storage, sessions, passwords, guard, clock),
            health=health,
            system=System(settings, storage, health, clock),
            readiness=readiness,
            metrics=Metrics(
                meters, readiness, storage, lambda: {"streams_open": float(events.open), **gauges()}, clock
            ),
            virtual_phones=virtual_phones,
            passwords=passwords,
            chats=chats,
            stories=StoryReading(in_use, reach),
            people=People(in_use, reach, storage, file_ids, clock),
            creations=Creations(in_use, reach, storage, clock),
            groups=Groups(rooms),
            group_photos=GroupPhotos(rooms, reach, file_ids),
            invites=InviteLinks(rooms),
            topics=ForumTopics(rooms),
            dialogs=Dialogs(rooms),
            history=History(in_use, reach),
            webhooks=webhooks,
            deliveries=Deliveries(storage, webhooks, carrier, clock),
            events=events,
            tickets=Tickets(storage, logins, events, clock),
            methods=Methods(in_use, reach, storage, layer, clock),
            broadcasts=Broadcasts(storage, reach, bell, file_ids, clock, per_minute=settings.broadcast_per_minute),
            clock=clock,
        )

    def close(self) -> None:
        """Let go of the threads. Nothing may be called afterwards."""
        self.passwords.close()


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
