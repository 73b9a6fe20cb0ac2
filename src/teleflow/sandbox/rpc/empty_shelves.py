"""What this Telegram has none of, said as Telegram says it: stickers, translations, recommendations.

Clients ask for these when they start. Nothing of the kind can be made here, so that an empty answer is the truth.
"""

from __future__ import annotations

from typing import Any

from telethon.tl import types

from teleflow.sandbox.rpc.base import Caller, RpcError, TLRequest
from teleflow.sandbox.rpc.desk import Desk
from teleflow.sandbox.world.reactions import EMOJIS

CONFIG_LIFE = 3600
PAGE = 100


async def no_sticker_sets(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.messages.AllStickers(0, [])


async def no_featured_stickers(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.messages.FeaturedStickers(0, 0, [], [])


async def no_faved_stickers(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.messages.FavedStickers(0, [], [])


async def no_recent_stickers(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.messages.RecentStickers(0, [], [], [])


async def no_saved_gifs(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.messages.SavedGifs(0, [])


async def no_custom_emoji(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Documents that are not there are left out."""
    desk.me(caller)
    return []


async def get_top_reactions(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    """Those that can be used, in their standing order."""
    desk.me(caller)
    shown = EMOJIS[: max(0, min(request.limit, PAGE))]
    return types.messages.Reactions(0, [types.ReactionEmoji(each) for each in shown])


async def no_read_stories(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.Updates([], [], [], desk.now(), 0)


async def no_recommendations(desk: Desk, caller: Caller, request: TLRequest) -> Any:
    me = desk.me(caller)
    if request.channel is not None:
        desk.chat(me, request.channel)
    return types.messages.Chats([])


async def get_lang_pack(_desk: Desk, _caller: Caller, request: TLRequest) -> Any:
    """A translation without strings: clients keep their own."""
    return types.LangPackDifference(request.lang_code, getattr(request, "from_version", 0), 0, [])


async def get_strings(_desk: Desk, _caller: Caller, request: TLRequest) -> Any:
    return [types.LangPackStringDeleted(each) for each in request.keys[:PAGE]]


async def get_languages(_desk: Desk, _caller: Caller, _request: TLRequest) -> Any:
    return [_english()]


async def get_language(_desk: Desk, _caller: Caller, request: TLRequest) -> Any:
    """Raises LANG_CODE_NOT_SUPPORTED."""
    if request.lang_code != "en":
        raise RpcError(400, "LANG_CODE_NOT_SUPPORTED")
    return _english()


def _english() -> Any:
    return types.LangPackLanguage("English", "English", "en", "en", 0, 0, "", official=True)


async def get_cdn_config(_desk: Desk, _caller: Caller, _request: TLRequest) -> Any:
    return types.CdnConfig([])


async def get_app_update(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.help.NoAppUpdate()


async def get_promo_data(desk: Desk, _caller: Caller, _request: TLRequest) -> Any:
    return types.help.PromoDataEmpty(desk.now() + CONFIG_LIFE)


async def get_deep_link_info(_desk: Desk, _caller: Caller, _request: TLRequest) -> Any:
    return types.help.DeepLinkInfoEmpty()


async def get_invite_text(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    desk.me(caller)
    return types.help.InviteText("I am on this Telegram. Join me!")


async def get_support(desk: Desk, caller: Caller, _request: TLRequest) -> Any:
    """Telegram's own account."""
    me = desk.me(caller)
    service = desk.world.service
    return types.help.Support(service.phone, desk.view.user(me, service))
