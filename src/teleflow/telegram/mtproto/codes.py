"""Numbers of service messages and of what a bad_msg_notification means: https://core.telegram.org/mtproto/service_messages"""

from __future__ import annotations

# msgs_ack, future_salts, msgs_all_info, msgs_state_info, destroy_session_ok, destroy_session_none
QUIET = frozenset({0x62D6B459, 0xAE500895, 0x8CC0D131, 0x04DEB57D, 0xE22045FC, 0x62D350C9})
CLOCKS_DIFFER = frozenset({16, 17})
TRY_NEW_ID = frozenset({18, 19, 64})
NOBODY_KNOWS = frozenset({20})  # too old: whether it was had before can't be told
