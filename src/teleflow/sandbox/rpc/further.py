"""The methods that clients call beside what they are for, for the table of methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from telethon.tl import functions as f

from teleflow.sandbox.rpc import acquaintance, contacts, empty_shelves, message_facts, stories
from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.desk import Desk

Method: TypeAlias = Callable[[Desk, Caller, TLRequest], Awaitable[Any]]

OPEN: Mapping[Any, Method] = {
    f.langpack.GetLangPackRequest: empty_shelves.get_lang_pack,
    f.langpack.GetDifferenceRequest: empty_shelves.get_lang_pack,
    f.langpack.GetStringsRequest: empty_shelves.get_strings,
    f.langpack.GetLanguagesRequest: empty_shelves.get_languages,
    f.langpack.GetLanguageRequest: empty_shelves.get_language,
    f.help.GetCdnConfigRequest: empty_shelves.get_cdn_config,
    f.help.GetDeepLinkInfoRequest: empty_shelves.get_deep_link_info,
}

CLOSED: Mapping[Any, Method] = {
    f.help.GetPromoDataRequest: empty_shelves.get_promo_data,
    f.help.GetAppUpdateRequest: empty_shelves.get_app_update,
    f.help.GetInviteTextRequest: empty_shelves.get_invite_text,
    f.help.GetSupportRequest: empty_shelves.get_support,
    f.messages.GetAllStickersRequest: empty_shelves.no_sticker_sets,
    f.messages.GetMaskStickersRequest: empty_shelves.no_sticker_sets,
    f.messages.GetEmojiStickersRequest: empty_shelves.no_sticker_sets,
    f.messages.GetFeaturedStickersRequest: empty_shelves.no_featured_stickers,
    f.messages.GetFavedStickersRequest: empty_shelves.no_faved_stickers,
    f.messages.GetRecentStickersRequest: empty_shelves.no_recent_stickers,
    f.messages.GetSavedGifsRequest: empty_shelves.no_saved_gifs,
    f.messages.GetCustomEmojiDocumentsRequest: empty_shelves.no_custom_emoji,
    f.messages.GetTopReactionsRequest: empty_shelves.get_top_reactions,
    f.stories.GetPeerStoriesRequest: stories.get_peer_stories,
    f.stories.GetAllStoriesRequest: stories.get_all_stories,
    f.stories.GetPinnedStoriesRequest: stories.get_pinned_stories,
    f.stories.GetStoriesArchiveRequest: stories.get_stories_archive,
    f.stories.GetStoriesByIDRequest: stories.get_stories_by_id,
    f.stories.GetAllReadPeerStoriesRequest: empty_shelves.no_read_stories,
    f.stories.GetPeerMaxIDsRequest: stories.get_peer_max_ids,
    f.stories.SendStoryRequest: stories.send_story,
    f.stories.DeleteStoriesRequest: stories.delete_stories,
    f.stories.TogglePinnedRequest: stories.toggle_pinned,
    f.channels.GetChannelRecommendationsRequest: empty_shelves.no_recommendations,
    f.contacts.AcceptContactRequest: contacts.accept_contact,
    f.contacts.SetBlockedRequest: acquaintance.set_blocked,
    f.contacts.GetBirthdaysRequest: acquaintance.get_birthdays,
    f.contacts.GetTopPeersRequest: acquaintance.get_top_peers,
    f.users.GetRequirementsToContactRequest: acquaintance.get_requirements_to_contact,
    f.account.ReportPeerRequest: acquaintance.report_peer,
    f.messages.ReportSpamRequest: acquaintance.report_peer,
    f.messages.ReportRequest: acquaintance.report_messages,
    f.channels.ReportSpamRequest: acquaintance.report_channel_spam,
    f.messages.GetOutboxReadDateRequest: message_facts.get_outbox_read_date,
    f.messages.GetMessageEditDataRequest: message_facts.get_message_edit_data,
    f.messages.GetSearchResultsCalendarRequest: message_facts.get_search_results_calendar,
    f.messages.SearchSentMediaRequest: message_facts.search_sent_media,
    f.messages.GetSplitRangesRequest: message_facts.get_split_ranges,
    f.messages.GetWebPagePreviewRequest: message_facts.get_web_page_preview,
    f.messages.GetWebPageRequest: message_facts.get_web_page,
    f.messages.GetSponsoredMessagesRequest: message_facts.get_sponsored_messages,
}
