"""Packets that were right until a seeded dice spoilt them: on the stream, in the frame, under the seal, in the object.

Five kinds of clients: one that spoils what goes over the wire in each framing, obfuscated or not; one that exchanges
keys and goes wrong at one of the steps; one whose sealed packets are whole and hold a spoilt message; one that asks
for what real clients ask for, a little changed; one that opens and goes.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections import Counter
from contextlib import suppress
from typing import Any

from telethon.errors import SecurityError
from telethon.extensions import BinaryReader
from telethon.network import authenticator
from telethon.tl import functions as f
from telethon.tl import types
from telethon.tl.alltlobjects import LAYER, tlobjects

from proofs.raw import KeyedClient, framings, obfuscated

ANSWERED = 0.02
"""Seconds for which an answer is listened to."""
SERVICE = (
    *(0x62D6B459, 0x7ABE77EC, 0xF3427B8C, 0xDA69FB52, 0x7D861A08, 0xB921BD04, 0x58E4A740, 0xE7512126, 0x9299359F),
    *(0x3072CFA1, 0x73F1F8DC, 0xDA9B0D0D, 0xC1CD5EA9, 0xCB9F372D, 0xC4F9186B, 0x1FB33026),
)
TAGS = (b"\xef" * 4, b"\xee" * 4, b"\xdd" * 4)


def requests() -> list[bytes]:
    """What real clients ask for; little of it leaves anything behind."""
    me, nobody = types.InputPeerSelf(), types.InputPeerUser(77, 88)
    channel = types.InputChannel(2_100_000_001, 5)
    opening = f.InitConnectionRequest(1, "a", "b", "c", "en", "", "en", f.help.GetConfigRequest())
    asked = [
        f.InvokeWithLayerRequest(LAYER, opening),
        f.InvokeAfterMsgRequest(4, f.updates.GetStateRequest()),
        f.InvokeWithoutUpdatesRequest(f.updates.GetStateRequest()),
        f.updates.GetDifferenceRequest(1, None, 0),
        f.updates.GetChannelDifferenceRequest(channel, types.ChannelMessagesFilterEmpty(), 1, 100),
        f.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 20, 0),
        f.messages.GetHistoryRequest(me, 0, None, 0, 20, 0, 0, 0),
        f.messages.SearchRequest(me, "q", types.InputMessagesFilterEmpty(), None, None, 0, 0, 10, 0, 0, 0),
        f.messages.SearchGlobalRequest("q", types.InputMessagesFilterEmpty(), None, None, 0, me, 0, 10),
        f.messages.SendMessageRequest(nobody, "x", random_id=9, entities=[types.MessageEntityBold(0, 1)]),
        f.messages.EditMessageRequest(me, 1, message="y"),
        f.messages.DeleteMessagesRequest([1, 2, 3], revoke=True),
        f.messages.ForwardMessagesRequest(me, [1], nobody, random_id=[4]),
        f.messages.SendReactionRequest(me, 1, reaction=[types.ReactionEmoji("👍")]),
        f.messages.SaveDraftRequest(me, "draft"),
        f.messages.GetPeerDialogsRequest([types.InputDialogPeer(me)]),
        f.messages.UpdateDialogFilterRequest(9, types.DialogFilter(9, types.TextWithEntities("t", []), [me], [], [])),
        f.messages.SendMediaRequest(
            nobody, types.InputMediaUploadedDocument(types.InputFile(1, 1, "a", ""), "a/b", []), "x", random_id=3
        ),
        f.upload.SaveFilePartRequest(5, 0, bytes(64)),
        f.upload.GetFileRequest(types.InputDocumentFileLocation(1, 2, b"3", ""), 0, 4096),
        f.contacts.ImportContactsRequest([types.InputPhoneContact(1, "15550100009", "A", "B")]),
        f.contacts.ResolveUsernameRequest("nobody_here"),
        f.users.GetFullUserRequest(types.InputUserSelf()),
        f.users.GetUsersRequest([types.InputUserSelf()] * 3),
        f.account.UpdateNotifySettingsRequest(types.InputNotifyPeer(me), types.InputPeerNotifySettings(silent=True)),
        f.account.GetPasswordRequest(),
        f.account.SetPrivacyRequest(types.InputPrivacyKeyChatInvite(), [types.InputPrivacyValueAllowAll()]),
        f.auth.SendCodeRequest("15550100009", 1, "h", types.CodeSettings()),
        f.auth.SignInRequest("15550100009", "hash", "12345"),
        f.auth.ExportLoginTokenRequest(1, "h", []),
        f.auth.CheckPasswordRequest(types.InputCheckPasswordSRP(1, bytes(256), bytes(32))),
        f.auth.BindTempAuthKeyRequest(1, 2, None, bytes(96)),
        f.channels.GetParticipantsRequest(channel, types.ChannelParticipantsRecent(), 0, 10, 0),
        f.channels.EditBannedRequest(channel, nobody, types.ChatBannedRights(None, send_messages=True)),
        f.folders.EditPeerFoldersRequest([types.InputFolderPeer(me, 1)]),
    ]
    return [bytes(each) for each in asked]


class Nonsense:
    """See the module; `sent` counts packets by kind."""

    def __init__(self, host: str, port: int, model: KeyedClient, seed: int) -> None:
        self._host, self._port, self._model = host, port, model
        self._dice = random.Random(seed)
        self._requests = requests()
        self._methods = [
            number for number, kind in tlobjects.items() if kind.__module__.startswith("telethon.tl.functions")
        ]
        self.connections = 0
        self.sent: Counter[str] = Counter()

    async def one(self) -> None:
        """One connection's worth."""
        reader, writer = await asyncio.wait_for(asyncio.open_connection(self._host, self._port), 5)
        self.connections += 1
        try:
            if self._dice.random() < 0.06:
                await asyncio.wait_for(self._exchange(reader, writer), 5)
            else:
                await self._packets(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass  # it hung up or had nothing to say: both are good answers
        finally:
            if self._dice.random() < 0.3 and writer.transport is not None:
                writer.transport.abort()
            writer.close()

    async def _packets(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        dice = self._dice
        opening, wrap = dice.choice(framings())
        hide: Any = bytes
        if opening and dice.random() < 0.4:
            tag = opening * 4 if len(opening) == 1 else opening
            opening, hide = obfuscated(tag if dice.random() < 0.9 else dice.randbytes(4))
            self.sent["obfuscated"] += 1
        writer.write(opening if dice.random() < 0.9 else dice.randbytes(dice.randrange(1, 80)))
        session = dice.randrange(1, 40)
        for number in range(dice.randrange(1, 12)):
            packet = wrap(self._payload(session), number)
            if dice.random() < 0.15:
                packet = self._spoilt(packet)
                self.sent["spoilt frame"] += 1
            writer.write(hide(packet))
        await asyncio.wait_for(writer.drain(), 5)
        await asyncio.wait_for(reader.read(65536), ANSWERED)

    def _payload(self, session: int) -> bytes:
        dice = self._dice
        kind = dice.choice(("spoilt seal", "spoilt message", "service", "method", "request", "request", "request"))
        self.sent[kind] += 1
        seq = dice.choice((1, 3, 5, 7, 0, -1))
        if kind == "spoilt seal":
            return self._spoilt(self._model.seal(dice.choice(self._requests), session=session))
        if kind == "spoilt message":
            return self._model.seal(dice.choice(self._requests), session=session, spoil=self._spoilt)
        body = dice.choice(self._requests)
        if kind == "service":
            body = struct.pack("<I", dice.choice(SERVICE)) + dice.randbytes(4 * dice.randrange(60))
        elif kind == "method":
            body = struct.pack("<I", dice.choice(self._methods)) + dice.randbytes(4 * dice.randrange(60))
        elif dice.random() < 0.85:
            body = self._spoilt(body)
        body += bytes(-len(body) % 4)
        if dice.random() < 0.15:  # a container that lies about what it holds
            inner = struct.pack("<qii", self._model.next_id(), dice.randrange(9), len(body)) + body
            body = struct.pack("<Ii", 0x73F1F8DC, dice.choice([1, 2, 1000, -1])) + inner
        return self._model.seal(body, session=session, seq=seq)

    def _spoilt(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self._dice.randint(1, 4)):
            place = self._dice.randrange(len(changed) + 1)
            choice = self._dice.randrange(4)
            if choice == 0 and place < len(changed):
                changed[place] = self._dice.randrange(256)
            elif choice == 1:
                del changed[place : place + self._dice.randrange(20)]
            elif choice == 2:
                changed[place:place] = self._dice.randbytes(self._dice.randrange(20))
            else:
                changed += changed[place : place + 40]
        return bytes(changed)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A key exchange by a client that computes everything, and spoils one of its steps."""
        writer.write(b"\xee" * 4)
        sender = _Sender(self, reader, writer, wrong_at=self._dice.randrange(1, 5))
        self.sent["exchange"] += 1
        # told that it was wrong
        with suppress(SecurityError, ValueError, AssertionError, TypeError, struct.error, AttributeError):
            await authenticator.do_authentication(sender)

    def plain(self, request: Any, *, wrong: bool) -> bytes:
        """A step of an exchange."""
        body = bytes(request)
        if wrong:
            self.sent["spoilt step"] += 1
            body = self._spoilt(body)
            body += bytes(-len(body) % 4)
        return struct.pack("<qqi", 0, self._model.next_id(), len(body)) + body


class _Sender:
    """What Telethon's key exchange sends with."""

    def __init__(
        self, nonsense: Nonsense, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, wrong_at: int
    ) -> None:
        self._nonsense, self._reader, self._writer = nonsense, reader, writer
        self._wrong_at, self._step = wrong_at, 0

    async def send(self, request: Any) -> Any:
        self._step += 1
        packet = self._nonsense.plain(request, wrong=self._step == self._wrong_at)
        self._writer.write(struct.pack("<I", len(packet)) + packet)
        (length,) = struct.unpack("<I", await asyncio.wait_for(self._reader.readexactly(4), 2))
        answer = await self._reader.readexactly(min(length, 1 << 16))
        if length < 24:
            raise ValueError("a transport error")
        with BinaryReader(answer[20:]) as opened:
            return opened.tgread_object()
