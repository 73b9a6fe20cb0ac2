"""The methods of groups and channels, for the table of methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from telethon.tl import functions as f

from teleflow.sandbox.rpc import channel_difference, channels, chats, discussion, invites, participants, reacting
from teleflow.sandbox.rpc.base import Caller, TLRequest
from teleflow.sandbox.rpc.desk import Desk

Method: TypeAlias = Callable[[Desk, Caller, TLRequest], Awaitable[Any]]

CLOSED: Mapping[Any, Method] = {
    f.messages.CreateChatRequest: chats.create_chat,
    f.messages.AddChatUserRequest: chats.add_chat_user,
    f.messages.DeleteChatUserRequest: chats.delete_chat_user,
    f.messages.EditChatTitleRequest: chats.edit_chat_title,
    f.messages.EditChatAboutRequest: chats.edit_chat_about,
    f.messages.EditChatAdminRequest: chats.edit_chat_admin,
    f.messages.EditChatDefaultBannedRightsRequest: chats.edit_default_banned_rights,
    f.messages.ToggleNoForwardsRequest: chats.toggle_no_forwards,
    f.messages.MigrateChatRequest: chats.migrate_chat,
    f.messages.DeleteChatRequest: chats.delete_chat,
    f.messages.GetFullChatRequest: chats.get_full_chat,
    f.messages.GetChatsRequest: chats.get_chats,
    f.messages.GetCommonChatsRequest: chats.get_common_chats,
    f.messages.GetOnlinesRequest: chats.get_onlines,
    f.messages.GetPeerSettingsRequest: chats.get_peer_settings,
    f.messages.ExportChatInviteRequest: invites.export_invite,
    f.messages.CheckChatInviteRequest: invites.check_invite,
    f.messages.ImportChatInviteRequest: invites.import_invite,
    f.messages.GetExportedChatInvitesRequest: invites.get_invites,
    f.messages.GetExportedChatInviteRequest: invites.get_invite,
    f.messages.EditExportedChatInviteRequest: invites.edit_invite,
    f.messages.DeleteExportedChatInviteRequest: invites.delete_invite,
    f.messages.DeleteRevokedExportedChatInvitesRequest: invites.delete_revoked_invites,
    f.messages.GetAdminsWithInvitesRequest: invites.get_admins_with_invites,
    f.messages.GetChatInviteImportersRequest: invites.get_importers,
    f.messages.HideChatJoinRequestRequest: invites.hide_join_request,
    f.messages.HideAllChatJoinRequestsRequest: invites.hide_all_join_requests,
    f.messages.GetDiscussionMessageRequest: discussion.get_discussion_message,
    f.messages.GetRepliesRequest: discussion.get_replies,
    f.messages.ReadDiscussionRequest: discussion.read_discussion,
    f.channels.CreateChannelRequest: channels.create_channel,
    f.channels.DeleteChannelRequest: channels.delete_channel,
    f.channels.EditTitleRequest: channels.edit_title,
    f.channels.GetChannelsRequest: channels.get_channels,
    f.channels.GetFullChannelRequest: channels.get_full_channel,
    f.channels.JoinChannelRequest: channels.join_channel,
    f.channels.LeaveChannelRequest: channels.leave_channel,
    f.channels.InviteToChannelRequest: channels.invite_to_channel,
    f.channels.EditAdminRequest: channels.edit_admin,
    f.channels.EditBannedRequest: channels.edit_banned,
    f.channels.CheckUsernameRequest: channels.check_username,
    f.channels.UpdateUsernameRequest: channels.update_username,
    f.channels.ToggleSlowModeRequest: channels.toggle_slow_mode,
    f.channels.ToggleSignaturesRequest: channels.toggle_signatures,
    f.channels.TogglePreHistoryHiddenRequest: channels.toggle_hidden_history,
    f.channels.ToggleJoinToSendRequest: channels.toggle_join_to_send,
    f.channels.ToggleJoinRequestRequest: channels.toggle_join_request,
    f.channels.GetMessagesRequest: channels.get_messages,
    f.channels.DeleteMessagesRequest: channels.delete_messages,
    f.channels.DeleteParticipantHistoryRequest: channels.delete_participant_history,
    f.channels.DeleteHistoryRequest: channels.delete_history,
    f.channels.ReadHistoryRequest: channels.read_history,
    f.channels.ReadMessageContentsRequest: reacting.read_channel_contents,
    f.channels.ExportMessageLinkRequest: channels.export_message_link,
    f.channels.GetLeftChannelsRequest: channels.get_left_channels,
    f.channels.GetAdminedPublicChannelsRequest: channels.get_admined_public,
    f.channels.GetSendAsRequest: channels.get_send_as,
    f.channels.GetParticipantsRequest: participants.get_participants,
    f.channels.GetParticipantRequest: participants.get_participant,
    f.channels.SetDiscussionGroupRequest: discussion.set_discussion_group,
    f.channels.GetGroupsForDiscussionRequest: discussion.get_groups_for_discussion,
    f.updates.GetChannelDifferenceRequest: channel_difference.get_channel_difference,
}
