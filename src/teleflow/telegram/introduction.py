"""What a client says first on a connection: which device it is, and one request wrapped in it.

https://core.telegram.org/api/invoking#saving-client-info
"""

from __future__ import annotations

from typing import Any

from telethon.tl.alltlobjects import LAYER
from telethon.tl.functions import InitConnectionRequest, InvokeWithLayerRequest
from telethon.tl.functions.help import GetConfigRequest
from telethon.tl.functions.updates import GetStateRequest

from teleflow.model.sessions import Device
from teleflow.telegram.calls import ask
from teleflow.telegram.mtproto.link import Link

WITHIN_S = 15.0


async def introduce(link: Link, *, api_id: int, device: Device, authorised: bool) -> Any:
    """initConnection; for an account that is logged in, around a request that only such a one may make.

    The answer to that request: a `Config` while nobody is logged in. Raises as `ask` does.
    """
    query = GetStateRequest() if authorised else GetConfigRequest()
    request = InvokeWithLayerRequest(
        LAYER,
        InitConnectionRequest(
            api_id=api_id,
            device_model=device.model,
            system_version=device.system,
            app_version=device.app_version,
            system_lang_code=device.system_lang_code,
            lang_pack="",
            lang_code=device.lang_code,
            query=query,
        ),
    )
    return await ask(link, request, within=WITHIN_S)
