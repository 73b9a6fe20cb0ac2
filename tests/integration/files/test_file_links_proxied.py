"""The links for files of a session behind a proxy go through it or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from teleflow.errors import NotFound, Unavailable
from teleflow.kit.networks import networks
from teleflow.model.media import FileKind, FileRef
from teleflow.model.operations.files import ReadPart
from teleflow.model.proxies import Proxy, ProxyKind
from teleflow.model.sessions import Credentials, Profile
from teleflow.telegram.live import LiveSession
from teleflow.telegram.login import send_code, sign_in
from teleflow.telegram.proxies import Proxies
from tests.integration.telegram import proxy_servers
from tests.integration.telegram.rig import ANN, rigged

NOBODYS = ReadPart(FileRef(FileKind.DOCUMENT, 1, 2, b"r", 2), 0, 4096)


async def test_files_take_the_session_s_proxy_and_no_other_way() -> None:
    async with rigged() as rig, proxy_servers.socks5("me", "sesame") as served:
        rig.site = replace(rig.site, proxies=Proxies(networks("127.0.0.0/8")))
        home = rig.telegram.home
        blank = Credentials(home.id, home.host, home.port, b"", 0, 1, "h" * 32)
        proxy = Proxy(ProxyKind.SOCKS5, "127.0.0.1", served.port, "me", "sesame")
        live = LiveSession("ann", blank, profile=Profile(proxy=proxy), authorised=False, site=rig.site)
        live.start()
        sent = await send_code(live, rig.site, phone=ANN, api_id=1, api_hash="h" * 32)
        code = rig.sandbox.control.code(ANN)
        assert code is not None
        await sign_in(live, phone=ANN, phone_code_hash=sent.phone_code_hash, code=code["code"])
        await live.now_authorised()
        before = len(served.reached)
        with pytest.raises(NotFound):  # the data centre was asked, and knows no such file
            await live.call(NOBODYS, within=10)
        assert live.files.open_count == 1
        assert len(served.reached) == before + 1
        connections = len(list(rig.sandbox.dc.ledger.connections(lambda _key: None)))
        assert connections == len(served.reached)

        # A proxy that is not allowed, or not there: nothing goes around it.
        live.profile = Profile(proxy=replace(proxy, port=1))
        live.files.close()
        with pytest.raises(Unavailable):
            await live.call(NOBODYS, within=3)
        assert live.files.open_count == 0
        assert len(list(rig.sandbox.dc.ledger.connections(lambda _key: None))) == connections
        await live.stop()
        with pytest.raises(Unavailable):
            await live.call(NOBODYS, within=1)
