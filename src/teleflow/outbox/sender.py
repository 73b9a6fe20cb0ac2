"""One send, from "its turn has come" to a final state, or to a wait.

What is told follows from one question: may it have left? Before that, every trouble is a plain failure, or, where
nobody waits for the answer, a reason to go on later. After it, only Telegram's own answer is an end; until then the
job is `uncertain` and goes again with the same random_id, which Telegram takes once.
"""

from __future__ import annotations

import structlog

from teleflow.errors import Conflict, Limited, NotFound, TeleFlowError, Unavailable, Uncertain, unasked
from teleflow.kit.backoff import FullJitter
from teleflow.kit.clock import Clock, loop_time
from teleflow.model.entities import mentioned_in, not_mentionable
from teleflow.model.jobs import Forward, Parcel, SendJob
from teleflow.model.media import FileRef
from teleflow.model.operations.base import Operation
from teleflow.model.operations.sending import FindSent, ForwardMessages, SendParcel, SendText, Sent
from teleflow.model.peers import Peer, PeerRef, RefForm, parse_ref
from teleflow.outbox.lanes import Lanes
from teleflow.outbox.ports import Peers
from teleflow.outbox.settle import Settler
from teleflow.outbox.strangers import Strangers
from teleflow.outbox.tickets import Ticket
from teleflow.outbox.uploads import Stopped, Uploads
from teleflow.telegram.base import Call

_log = structlog.get_logger(__name__)

_BACKGROUND_WITHIN_S = 60.0
_GIVE_UP_AFTER_S = 24 * 3600.0
_TRUST_RANDOM_ID_S = 3600.0
_CLOCK_SLACK_S = 120
_AGAIN = FullJitter(first=2.0, most=60.0)
_DEAD_SESSION = frozenset({"SESSION_LOGGED_OUT", "ACCOUNT_BANNED"})
MAY_HAVE_GONE_OUT = "an earlier try may have gone out"
_SAME_AGAIN = frozenset({"PEER_HUNG_UP", "TELEGRAM_ANSWER_UNREADABLE"})  # however often it is sent
_WRONG_PEER = frozenset({"PEER_NOT_FOUND"})


class Sender:
    """Carries tickets through."""

    def __init__(
        self,
        call: Call,
        peers: Peers,
        strangers: Strangers,
        settler: Settler,
        lanes: Lanes,
        clock: Clock,
        uploads: Uploads,
    ) -> None:
        self._call = call
        self._uploads = uploads
        self._peers = peers
        self._strangers = strangers
        self._settler = settler
        self._lanes = lanes
        self._clock = clock

    async def prepare(self, ticket: Ticket) -> float | None:
        """Bring up the files of what has not left yet: it can be cancelled meanwhile. Answers as `carry`."""
        attempt = 0
        while not ticket.job.state.is_final:
            try:
                peer = await self._peer(ticket.job, parse_ref(ticket.job.chat), _BACKGROUND_WITHIN_S)
                self._known(ticket, peer)
                await self._uploads.bring(ticket, peer)
            except (Uncertain, Unavailable) as error:
                # No message has left, whatever is uncertain of a file.
                if self._is_old(ticket.job):
                    self._settler.fail(ticket, error)
                    return None
            except Stopped:
                return None
            except TeleFlowError as error:
                return self._refused(ticket, error)
            else:
                return None
            await self._clock.sleep(_AGAIN.delay(attempt, self._settler.chance))
            await self._settler.refresh(ticket)
            attempt += 1
        return None

    async def ended(self, ticket: Ticket) -> None:
        """Its outcome is told: once that is on disk, its files are needed no more."""
        if isinstance(ticket.job.content, Parcel) and ticket.job.state.is_final:
            await self._settler.stored(ticket.job.id)
            await self._uploads.drop(ticket.job)

    async def carry(self, ticket: Ticket) -> float | None:
        """None: the job is final. A number: it is queued again, and may go on after so many seconds.

        Never raises for what can happen to a message.
        """
        attempt = 0
        if ticket.may_have_left and self._age(ticket.job) > _TRUST_RANDOM_ID_S:
            await self._look_first(ticket)
        while not ticket.job.state.is_final:
            within = self._patience(ticket)
            if within <= 0 and not ticket.may_have_left:
                self._settler.fail(ticket, _too_late())
                return None
            try:
                sent = await self._send(ticket, max(within, 1.0))
            except Stopped:
                return None
            except Uncertain as error:
                if await self._proved(ticket, error):
                    return None
            except Unavailable as error:
                if not ticket.may_have_left and (ticket.deadline is not None or self._is_old(ticket.job)):
                    self._settler.fail(ticket, error)
                    return None
                # Telegram's own trouble, for as long as it was asked: it may have come after the message went out.
                if error.may_have_left and error.code == "TELEGRAM_UNAVAILABLE" and await self._proved(ticket, error):
                    return None
            except TeleFlowError as error:
                if not ticket.may_have_left:
                    return self._refused(ticket, error)
                if error.code in _DEAD_SESSION:
                    self._settler.fail(ticket, error, detail=f"{error.message}; {MAY_HAVE_GONE_OUT}")
                    return None
                if await self._proved(ticket, error):
                    return None
                if isinstance(error, Limited):
                    await self._clock.sleep(min(error.retry_after or 1.0, 3600.0))
            else:
                self._settler.sent(ticket, sent)
                return None
            if self._is_old(ticket.job):
                self._settler.fail(ticket, _never_known())
                return None
            await self._clock.sleep(_AGAIN.delay(attempt, self._settler.chance))
            await self._settler.refresh(ticket)  # its session may have ended, and its job with it
            attempt += 1
        return None

    def _refused(self, ticket: Ticket, error: TeleFlowError) -> float | None:
        """It did not leave. Where nobody waits for the answer, a wait is no failure."""
        self._strangers.refused(ticket.job.session_id, error)
        seconds = error.retry_after if isinstance(error, Limited) else None
        if seconds is None or ticket.deadline is not None or self._age(ticket.job) + seconds > _GIVE_UP_AFTER_S:
            self._settler.fail(ticket, error)
            return None
        self._settler.wait(ticket, error, seconds)
        return seconds

    async def _send(self, ticket: Ticket, within: float) -> Sent:
        job = ticket.job
        until = loop_time() + within
        peer = await self._peer(job, parse_ref(job.chat), within)
        source = await self._source(job, until)  # one that is not found says nothing against the chat it goes to
        mentioned = await self._mentioned(job, until)
        files = await self._uploads.bring(ticket, peer)
        first = False
        if not ticket.may_have_left:
            first = await self._strangers.admit(job.session_id, peer, within=max(0.5, until - loop_time()))
        self._known(ticket, peer)
        try:
            return await self._try(ticket, _operation(ticket.job, peer, source, mentioned, files, first=first), until)
        except Conflict as error:
            if error.code != "FILE_REFERENCE_EXPIRED" or not isinstance(job.content, Parcel):
                raise
            await self._uploads.renew(job)
            files = await self._uploads.bring(ticket, peer)
            return await self._try(ticket, _operation(ticket.job, peer, source, mentioned, files, first=False), until)
        except NotFound as error:
            if error.code not in _WRONG_PEER or ticket.may_have_left:
                raise
            # What we remembered of this chat is no longer true.
            ref = parse_ref(job.chat)
            peer = await self._peers.find_again(job.session_id, ref, within=max(1.0, until - loop_time()))
            return await self._try(ticket, _operation(ticket.job, peer, source, mentioned, files, first=False), until)

    async def _peer(self, job: SendJob, ref: PeerRef, within: float) -> Peer:
        try:
            return await self._peers.find(job.session_id, ref, within=within)
        except Uncertain as error:
            # That a look-up was lost says nothing of the message, which has not left.
            raise unasked(error) from error

    def _known(self, ticket: Ticket, peer: Peer) -> None:
        if ticket.job.chat_id is None:
            self._lanes.resolved(ticket, peer.marked_id)
            ticket.update(chat_id=peer.marked_id)

    async def _try(self, ticket: Ticket, operation: Operation[Sent], until: float) -> Sent:
        job = ticket.update(attempts=ticket.job.attempts + 1)
        try:
            sent = await self._call(job.session_id, operation, within=max(0.5, until - loop_time()))
        except TeleFlowError as error:
            if error.may_have_left or isinstance(error, Uncertain):
                ticket.may_have_left = True
            raise
        self._peers.learn(job.session_id, sent.known)
        return sent

    async def _source(self, job: SendJob, until: float) -> Peer | None:
        """The chat that is forwarded from."""
        if not isinstance(job.content, Forward):
            return None
        return await self._peer(job, parse_ref(job.content.from_chat), max(0.5, until - loop_time()))

    async def _mentioned(self, job: SendJob, until: float) -> tuple[Peer, ...]:
        """Whom the text mentions by id. One that can't be addressed fails the send: it would mention nobody."""
        if isinstance(job.content, Forward) or not job.content.entities:
            return ()
        found = []
        for id_ in mentioned_in(job.content.entities):
            try:
                found.append(await self._peer(job, PeerRef(RefForm.ID, id_), max(0.5, until - loop_time())))
            except NotFound as error:
                raise not_mentionable(id_, error) from error
        return tuple(found)

    async def _proved(self, ticket: Ticket, error: TeleFlowError) -> bool:
        """After an uncertain try: tell those who wait, and where a repeat is no way out, look in the history.

        True when the job is final.
        """
        if (isinstance(error, Uncertain) and error.code not in _SAME_AGAIN) or isinstance(error, Limited):
            self._settler.uncertain(ticket, error)
            return False
        found = await self._in_history(ticket.job)
        if isinstance(found, TeleFlowError):
            self._settler.uncertain(ticket, error)
            return False
        if found is None:
            self._settler.fail(ticket, error, detail=f"{error.message}; it is not in the chat")
        else:
            self._settler.sent(ticket, found)
        return True

    def _patience(self, ticket: Ticket) -> float:
        if ticket.deadline is None:
            return _BACKGROUND_WITHIN_S
        left = ticket.deadline - loop_time()
        return _BACKGROUND_WITHIN_S if left <= 0 and ticket.may_have_left else left

    async def _look_first(self, ticket: Ticket) -> None:
        """How long Telegram remembers a random_id is not documented: what left long ago is looked for instead."""
        found = await self._in_history(ticket.job)
        if isinstance(found, Sent):
            self._settler.sent(ticket, found)

    async def _in_history(self, job: SendJob) -> Sent | TeleFlowError | None:
        """Our message in the chat, None when it is not there; an error when nobody can say."""
        try:
            peer = await self._peers.find(job.session_id, parse_ref(job.chat), within=10)
            since = job.created_at // 1000 - _CLOCK_SLACK_S
            files, me = await self._uploads.known(job), job.account_id or 0
            look = FindSent(peer, job.content, me, since=since, taken=self._settler.taken(job), files=files)
            return await self._call(job.session_id, look, within=10)
        except TeleFlowError as error:
            return error

    def _is_old(self, job: SendJob) -> bool:
        return self._age(job) > _GIVE_UP_AFTER_S

    def _age(self, job: SendJob) -> float:
        """In seconds."""
        return self._clock.time() - job.created_at / 1000


def _operation(
    job: SendJob,
    peer: Peer,
    source: Peer | None,
    mentioned: tuple[Peer, ...],
    files: tuple[FileRef | None, ...],
    *,
    first: bool,
) -> Operation[Sent]:
    content, me = job.content, job.account_id or 0
    if isinstance(content, Parcel):
        return SendParcel(peer, content, job.random_id, files, me, first, mentioned)
    if not isinstance(content, Forward):
        return SendText(peer, content, job.random_id, me, first, mentioned)
    if source is None:
        raise RuntimeError("a forward has a source")
    return ForwardMessages(peer, source, content, me, first)


def _too_late() -> Unavailable:
    return Unavailable("It could not be sent in time, and will not be", code="SEND_TIMEOUT")


def _never_known() -> Uncertain:
    return Uncertain("It left, and for a day nobody could say whether it arrived")
