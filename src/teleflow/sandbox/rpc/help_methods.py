"""help.*: what a client asks before it knows anything."""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.messages import EDIT_TIME
from teleflow.sandbox.world.people import ABOUT_LIMIT
from teleflow.sandbox.world.texts import MESSAGE_LIMIT

CONFIG_LIFE = 3600


async def get_config(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Also the sign that a client has just connected and may know nobody yet."""
    desk.introduced(caller.key_id)
    now = desk.now()
    return types.Config(
        date=now,
        expires=now + CONFIG_LIFE,
        test_mode=False,
        this_dc=desk.dc_id,
        dc_options=[
            types.DcOption(number, host, port, ipv6=":" in host or None)
            for number, (host, port) in sorted(desk.dcs().items())
        ],
        dc_txt_domain_name="",
        chat_size_max=200,
        megagroup_size_max=200_000,
        forwarded_count_max=100,
        online_update_period_ms=210_000,
        offline_blur_timeout_ms=5_000,
        offline_idle_timeout_ms=30_000,
        online_cloud_timeout_ms=300_000,
        notify_cloud_delay_ms=30_000,
        notify_default_delay_ms=1_500,
        push_chat_period_ms=60_000,
        push_chat_limit=2,
        edit_time_limit=EDIT_TIME,
        revoke_time_limit=2**31 - 1,
        revoke_pm_time_limit=2**31 - 1,
        rating_e_decay=2_419_200,
        stickers_recent_limit=200,
        channels_read_media_period=604_800,
        call_receive_timeout_ms=20_000,
        call_ring_timeout_ms=90_000,
        call_connect_timeout_ms=30_000,
        call_packet_timeout_ms=10_000,
        me_url_prefix="https://t.me/",
        caption_length_max=1024,
        message_length_max=MESSAGE_LIMIT,
        webfile_dc_id=desk.dc_id,
        revoke_pm_inbox=True,
    )


async def get_nearest_dc(desk: Desk, _caller: Caller, _request: TLRequest) -> Any:
    return types.NearestDc("US", desk.dc_id, desk.main_dc)


async def get_app_config(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """What a client is to know without an update; of a frozen account also since when and until when."""
    fields: list[Any] = [types.JsonObjectValue("about_length_limit_default", types.JsonNumber(ABOUT_LIMIT))]
    me = desk.world.person_by_key(caller.key_id)
    version = 1
    if me is not None and desk.world.standing.is_frozen(me):
        version = me.account.frozen_since
        fields += [
            types.JsonObjectValue("freeze_since_date", types.JsonNumber(me.account.frozen_since)),
            types.JsonObjectValue("freeze_until_date", types.JsonNumber(me.account.frozen_until)),
            types.JsonObjectValue("freeze_appeal_url", types.JsonString("https://t.me/spambot")),
        ]
    if request.hash == version:
        return types.help.AppConfigNotModified()
    return types.help.AppConfig(version, types.JsonObject(fields))


async def get_terms_of_service_update(desk: Desk, _caller: Caller, _request: TLRequest) -> Any:
    return types.help.TermsOfServiceUpdateEmpty(desk.now() + CONFIG_LIFE)
