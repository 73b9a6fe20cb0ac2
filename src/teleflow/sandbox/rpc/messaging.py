"""The methods of forwards, reactions, pins and scheduled messages, for the table of methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from telethon.tl import functions as f

from teleflow.sandbox.rpc import forwarding, polling, reacting, scheduling, searching, shelf
from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.desk import Desk

Method: TypeAlias = Callable[[Desk, Caller, TLRequest], Awaitable[Any]]

CLOSED: Mapping[Any, Method] = {
    f.messages.ForwardMessagesRequest: forwarding.forward_messages,
    f.messages.SendReactionRequest: reacting.send_reaction,
    f.messages.GetMessagesReactionsRequest: reacting.get_messages_reactions,
    f.messages.GetMessageReactionsListRequest: reacting.get_message_reactions_list,
    f.messages.GetAvailableReactionsRequest: reacting.get_available_reactions,
    f.messages.UpdatePinnedMessageRequest: reacting.update_pinned_message,
    f.messages.UnpinAllMessagesRequest: reacting.unpin_all_messages,
    f.messages.GetUnreadMentionsRequest: reacting.get_unread_mentions,
    f.messages.GetUnreadReactionsRequest: reacting.get_unread_reactions,
    f.messages.ReadMentionsRequest: reacting.read_mentions,
    f.messages.ReadReactionsRequest: reacting.read_reactions,
    f.messages.ReadMessageContentsRequest: reacting.read_message_contents,
    f.messages.GetMessagesViewsRequest: reacting.get_messages_views,
    f.messages.SendVoteRequest: polling.send_vote,
    f.messages.GetPollResultsRequest: polling.get_poll_results,
    f.messages.GetPollVotesRequest: polling.get_poll_votes,
    f.messages.SearchRequest: searching.search,
    f.messages.SearchGlobalRequest: searching.search_global,
    f.messages.GetSearchCountersRequest: searching.get_search_counters,
    f.messages.SaveDraftRequest: shelf.save_draft,
    f.messages.GetAllDraftsRequest: shelf.get_all_drafts,
    f.messages.ClearAllDraftsRequest: shelf.clear_all_drafts,
    f.messages.ToggleDialogPinRequest: shelf.toggle_dialog_pin,
    f.messages.ReorderPinnedDialogsRequest: shelf.reorder_pinned_dialogs,
    f.messages.GetPinnedDialogsRequest: shelf.get_pinned_dialogs,
    f.messages.MarkDialogUnreadRequest: shelf.mark_dialog_unread,
    f.messages.GetDialogUnreadMarksRequest: shelf.get_dialog_unread_marks,
    f.messages.GetDialogFiltersRequest: shelf.get_dialog_filters,
    f.messages.UpdateDialogFilterRequest: shelf.update_dialog_filter,
    f.messages.UpdateDialogFiltersOrderRequest: shelf.update_dialog_filters_order,
    f.folders.EditPeerFoldersRequest: shelf.edit_peer_folders,
    f.messages.GetScheduledHistoryRequest: scheduling.get_scheduled_history,
    f.messages.GetScheduledMessagesRequest: scheduling.get_scheduled_messages,
    f.messages.SendScheduledMessagesRequest: scheduling.send_scheduled_messages,
    f.messages.DeleteScheduledMessagesRequest: scheduling.delete_scheduled_messages,
}
